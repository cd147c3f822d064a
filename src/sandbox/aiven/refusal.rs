//! What Aiven answers when it does not do what it was asked.
//!
//! The statuses are Aiven's where they are known; where nothing says, the one that fits HTTP best.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Why a request was not done.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Refusal { status, code, message: message.into() }
    }

    pub(super) fn bad(code: &'static str, message: impl Into<String>) -> Self {
        Refusal::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(super) fn no_project(project: &str) -> Self {
        Refusal::new(StatusCode::NOT_FOUND, "project_does_not_exist", format!("Project {project} does not exist"))
    }

    pub(super) fn no_service(service: &str) -> Self {
        Refusal::new(StatusCode::NOT_FOUND, "service_does_not_exist", format!("Service {service} does not exist"))
    }

    pub(super) fn no_user() -> Self {
        Refusal::new(StatusCode::NOT_FOUND, "user_not_found", "Service user does not exist")
    }

    pub(super) fn user_exists() -> Self {
        Refusal::new(StatusCode::CONFLICT, "", "Service user already exists")
    }

    pub(super) fn not_powered(service: &str) -> Self {
        Refusal::new(StatusCode::CONFLICT, "not_powered", format!("Service {service} is powered off"))
    }
}

impl From<rcgen::Error> for Refusal {
    fn from(error: rcgen::Error) -> Self {
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_server_error", error.to_string())
    }
}

impl From<serde_json::Error> for Refusal {
    fn from(error: serde_json::Error) -> Self {
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_server_error", error.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Refusal { status, code, message } = self;
        let mut error =
            json!({"message": message, "status": status.as_u16(), "more_info": "https://api.aiven.io/doc/"});
        // As at Aiven, where not every error has one.
        if let Some(error) = error.as_object_mut().filter(|_| !code.is_empty()) {
            error.insert("error_code".into(), code.into());
        }
        let body = json!({"message": message, "errors": [error]});
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() = status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}
