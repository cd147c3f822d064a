//! What an answer says of its request: done, or what went wrong.
//!
//! Decides by status first, then by code, by wording last. Above all, an answer is taken for "gone" only if it says in
//! so many words what is missing, and if that is something that the request named: a 404 of a proxy, of an unknown path
//! or of a part of a service is [`Problem::NotUnderstood`]. Never passes a text on.

use super::error::{Missing, Operation, Problem, Target};
use super::said::Said;

/// Why a call failed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failed {
    pub(super) problem: Problem,
    pub(super) status: u16,
    pub(super) code: Option<&'static str>,
}

/// Why a call failed; `None` if it did not.
pub(super) fn why_failed((operation, target): (Operation, &Target), status: u16, body: &[u8]) -> Option<Failed> {
    let said = Said::read(body);
    let done = (200..300).contains(&status);
    // A success may list errors all the same, with a status of their own.
    let status = match &said {
        Some(said) if done && !said.is_error => return None,
        Some(said) if done => said.status.filter(|status| (400..600).contains(status)).unwrap_or(status),
        _ => status,
    };
    let said = said.unwrap_or_default();
    Some(Failed { problem: problem((operation, target), status, &said), status, code: said.known_code() })
}

fn problem((operation, target): (Operation, &Target), status: u16, said: &Said) -> Problem {
    let creates = operation == Operation::CreateUser;
    match status {
        // First, since nobody knows with which of them Aiven says so.
        400 | 403 | 409 if creates && said.has_too_many_users() => Problem::UserLimit,
        400 | 409 if operation == Operation::PutAcl && said.has_too_many_rules() => Problem::AclFull,
        401 => Problem::TokenRefused,
        403 if said.refuses_the_token() => Problem::TokenRefused,
        403 => Problem::Forbidden,
        404 => missing(operation, said.missing(target)),
        409 if creates && said.has_such_a_user() => Problem::Exists,
        407 | 408 | 417 | 500..=599 => Problem::Unavailable,
        429 => Problem::TooFast,
        400..=499 => Problem::Refused,
        _ => Problem::NotUnderstood,
    }
}

/// Only what the request named can be missing.
fn missing(operation: Operation, missing: Option<Missing>) -> Problem {
    match (missing, operation) {
        (None, _) | (_, Operation::ListProjects) => Problem::NotUnderstood,
        (Some(Missing::Project), _) => Problem::Missing(Missing::Project),
        (Some(Missing::Service | Missing::User), Operation::GetCa | Operation::ListServices) => Problem::NotUnderstood,
        (Some(Missing::Service), _) => Problem::Missing(Missing::Service),
        (Some(Missing::User), Operation::GetUser | Operation::SetAccess | Operation::DeleteUser) => {
            Problem::Missing(Missing::User)
        }
        (
            Some(Missing::User),
            Operation::GetService | Operation::CreateUser | Operation::GetAcl | Operation::PutAcl,
        ) => Problem::NotUnderstood,
    }
}

#[cfg(test)]
mod tests {
    use super::super::error::{Circumstances, Error};
    use super::*;
    use crate::world::{FailureClass, ServiceKey};

    const CREATE: Operation = Operation::CreateUser;
    const GET: Operation = Operation::GetUser;

    fn judge(operation: Operation, status: u16, body: &str) -> Option<Problem> {
        let key = ServiceKey::new("dev", "kafka");
        let target = match operation {
            Operation::ListProjects => Target::Account,
            Operation::GetCa | Operation::ListServices => Target::Project(key.project),
            Operation::GetService | Operation::GetAcl | Operation::PutAcl => Target::Service(key),
            Operation::GetUser | Operation::CreateUser | Operation::SetAccess | Operation::DeleteUser => {
                Target::User(key.user("team_app_1".into()))
            }
        };
        why_failed((operation, &target), status, body.as_bytes()).map(|failed| failed.problem)
    }

    #[test]
    fn statuses_and_codes_decide() {
        let code = |code: &str| format!(r#"{{"errors":[{{"message":"m","status":400,"error_code":"{code}"}}]}}"#);
        let text = |text: &str| format!(r#"{{"message":"{text}","errors":[{{"message":"{text}","status":1}}]}}"#);
        for (operation, status, body, problem) in [
            (CREATE, 400, String::new(), Problem::Refused),
            (CREATE, 400, code("username_is_invalid"), Problem::Refused),
            (CREATE, 400, text("Invalid value for limit parameter: maximum allowed value is 250"), Problem::Refused),
            (CREATE, 400, text("Username exceeds the maximum length"), Problem::Refused),
            (CREATE, 400, text("Maximum number of users reached"), Problem::UserLimit),
            (CREATE, 403, text("Service has too many users"), Problem::UserLimit),
            (CREATE, 409, code("service_user_limit_reached"), Problem::UserLimit),
            (GET, 403, text("Service has too many users"), Problem::Forbidden),
            (CREATE, 401, "<html>".into(), Problem::TokenRefused),
            (CREATE, 403, text("Authentication failed"), Problem::TokenRefused),
            (CREATE, 403, code("authentication_failed"), Problem::TokenRefused),
            (CREATE, 403, text("Missing (expired) db token"), Problem::TokenRefused),
            (CREATE, 403, text("Not allowed"), Problem::Forbidden),
            (CREATE, 403, code("permission_denied"), Problem::Forbidden),
            (CREATE, 409, text("Service user already exists"), Problem::Exists),
            (CREATE, 409, code("user_already_exists"), Problem::Exists),
            (CREATE, 409, code("not_powered"), Problem::Refused),
            (CREATE, 409, "<html>already exists".into(), Problem::Refused),
            (CREATE, 409, text("Conflict"), Problem::Refused),
            (Operation::SetAccess, 409, text("Service user already exists"), Problem::Refused),
            (Operation::PutAcl, 400, code("service_acl_too_many"), Problem::AclFull),
            (CREATE, 429, String::new(), Problem::TooFast),
            (CREATE, 408, String::new(), Problem::Unavailable),
            (Operation::DeleteUser, 417, String::new(), Problem::Unavailable),
            (CREATE, 500, text("Service user already exists"), Problem::Unavailable),
            (CREATE, 501, String::new(), Problem::Unavailable),
            (CREATE, 503, "<html>".into(), Problem::Unavailable),
            (CREATE, 405, String::new(), Problem::Refused),
            (CREATE, 302, String::new(), Problem::NotUnderstood),
            (CREATE, 200, "<html>".into(), Problem::NotUnderstood),
            (CREATE, 200, r#"{"errors":"something"}"#.into(), Problem::NotUnderstood),
            (CREATE, 200, r#"{"errors":[{"message":"exists already exists","status":409}]}"#.into(), Problem::Exists),
        ] {
            assert_eq!(judge(operation, status, &body), Some(problem), "{operation} {status} {body}");
        }
        for body in ["", " \n", "{}", r#"{"errors":[],"message":"deleted"}"#, r#"{"errors":null}"#, r#"{"errors":""}"#]
        {
            assert_eq!(judge(Operation::DeleteUser, 204, body), None, "{body}");
        }
    }

    #[test]
    fn only_what_says_so_in_one_way_is_gone() {
        let (project, service, user) = (Some(Missing::Project), Some(Missing::Service), Some(Missing::User));
        for (operation, body, gone) in [
            (GET, r#"{"errors":[{"error_code":"user_not_found"}]}"#, user),
            (GET, r#"{"errors":[{"error_code":"service_not_found","message":"Project does not exist"}]}"#, service),
            (GET, r#"{"errors":[{"error_code":"project_not_found"},{"error_code":"service_not_found"}]}"#, None),
            (GET, r#"{"errors":[{"error_code":"retired_api_endpoint","message":"Service does not exist"}]}"#, None),
            (GET, r#"{"message":"Service user does not exist"}"#, user),
            (GET, r#"{"message":"Service user 'team_app_1' does not exist"}"#, user),
            (GET, r#"{"errors":"User team_app_1 not found."}"#, user),
            (GET, r#"{"errors":["Service user was not found in service kafka"]}"#, user),
            (GET, r#"{"message":"User avnadmin with component main not found"}"#, None),
            (GET, r#"{"message":"Service kafka does not exist"}"#, service),
            (GET, r#"{"message":"The service does not exist"}"#, service),
            (GET, r#"{"message":"Service kafka in project dev does not exist"}"#, service),
            (GET, r#"{"message":"Service kafka in project prod does not exist"}"#, None),
            (GET, r#"{"message":"Service other does not exist"}"#, None),
            (GET, r#"{"message":"Service integration does not exist"}"#, None),
            (GET, r#"{"message":"Service not found or access denied"}"#, None),
            (GET, r#"{"message":"Project dev does not exist"}"#, project),
            (GET, r#"{"message":"Not found"}"#, None),
            (GET, r#"{"message":"Service does not exist","errors":[{"message":"Project not found"}]}"#, None),
            (GET, "<html>Service does not exist</html>", None),
            (GET, "", None),
            (GET, "null", None),
            (Operation::GetService, r#"{"message":"Service user does not exist"}"#, None),
            (Operation::GetService, r#"{"message":"Service kafka does not exist"}"#, service),
            (CREATE, r#"{"message":"Service user does not exist"}"#, None),
            (Operation::GetCa, r#"{"message":"Service does not exist"}"#, None),
            (Operation::ListProjects, r#"{"message":"Project does not exist"}"#, None),
        ] {
            let expected = gone.map_or(Problem::NotUnderstood, Problem::Missing);
            assert_eq!(judge(operation, 404, body), Some(expected), "{operation} {body}");
        }
    }

    #[test]
    fn a_service_called_user_is_not_mistaken_for_one() {
        let target = Target::User(ServiceKey::new("dev", "user").user("x".into()));
        let body = br#"{"message":"Service user does not exist"}"#;
        let failed = why_failed((GET, &target), 404, body).expect("a failure");
        assert_eq!(failed.problem, Problem::NotUnderstood);
    }

    #[test]
    fn what_was_not_sent_or_only_read_has_no_unknown_outcome() {
        let target = Target::Account;
        let error = |operation, problem| Error::new((operation, &target), problem, Circumstances::default());
        for problem in [Problem::Timeout, Problem::Broken, Problem::Unavailable, Problem::NotUnderstood] {
            assert!(error(CREATE, problem.clone()).is_outcome_unknown(), "{problem}");
            assert!(!error(GET, problem.clone()).is_outcome_unknown(), "{problem}");
            assert_eq!(error(CREATE, problem).class(), FailureClass::Unknown);
        }
        for problem in [Problem::Unreachable, Problem::TooFast, Problem::Exists, Problem::Forbidden] {
            assert!(!error(CREATE, problem.clone()).is_outcome_unknown(), "{problem}");
        }
    }
}
