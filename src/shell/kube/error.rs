//! What a request to Kubernetes can come to, other than done.

use thiserror::Error;

/// Why a request to Kubernetes was not done; says nothing that the server said beyond its code and reason.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum KubeError {
    /// The object is another, or in another version: 409 Conflict, 410.
    #[error("the object has changed meanwhile")]
    Stale,
    /// An object of that name exists: 409 `AlreadyExists`.
    #[error("an object of that name exists already")]
    Exists,
    /// There is no such object, or no such kind: 404.
    #[error("there is no such object")]
    NotFound,
    /// 401 or 403.
    #[error("Kubernetes does not allow it ({code})")]
    Forbidden {
        /// The status.
        code: u16,
        /// Whether that is because the namespace is being deleted.
        terminating: bool,
    },
    /// Any other answer.
    #[error("Kubernetes answered {code} {reason}")]
    Refused {
        /// The status.
        code: u16,
        /// Its reason, one word.
        reason: String,
    },
    /// No answer that makes sense.
    #[error("Kubernetes did not answer")]
    NoAnswer,
}

impl From<&kube::Error> for KubeError {
    fn from(error: &kube::Error) -> Self {
        let kube::Error::Api(status) = error else { return KubeError::NoAnswer };
        let reason = status.reason.as_str();
        match status.code {
            404 => KubeError::NotFound,
            409 if reason == "AlreadyExists" => KubeError::Exists,
            409 | 410 => KubeError::Stale,
            code @ (401 | 403) => {
                KubeError::Forbidden { code, terminating: status.message.contains("is being terminated") }
            }
            code => {
                let plain = reason.chars().all(|c| c.is_ascii_alphanumeric());
                KubeError::Refused { code, reason: if plain { reason.to_owned() } else { String::new() } }
            }
        }
    }
}
