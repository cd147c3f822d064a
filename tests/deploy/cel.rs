//! A `ValidatingAdmissionPolicy` as the API server has it: which requests it is for, and what it says of them.
//!
//! The language is that of the `cel` crate; what Kubernetes adds is put in by hand: variables, and the authorizer, which
//! here knows one thing only, whether the user is a cluster admin.

use std::collections::HashMap;
use std::sync::Arc;

use cel::extractors::This;
use cel::{Context, Program, Value as Cel};
use serde_json::{Value, json};

/// A request to the API server.
#[derive(Clone)]
pub struct Request {
    pub operation: &'static str,
    /// Group and plural.
    pub resource: (&'static str, &'static str),
    pub user: &'static str,
    pub admin: bool,
    pub object: Value,
    pub old: Value,
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

fn holds(list: &Value, text: &str) -> bool {
    list.as_array().unwrap().iter().any(|item| item == text || item == "*")
}

/// Whether the policy looks at such requests at all.
fn is_for(policy: &Value, request: &Request) -> bool {
    let (group, resource) = request.resource;
    policy["spec"]["matchConstraints"]["resourceRules"].as_array().unwrap().iter().any(|rule| {
        holds(&rule["apiGroups"], group)
            && holds(&rule["resources"], resource)
            && holds(&rule["operations"], request.operation)
    })
}

fn context(request: &Request) -> Context<'static, 'static> {
    let mut context = Context::default();
    context.add_variable("object", &request.object).unwrap();
    context.add_variable("oldObject", &request.old).unwrap();
    let said = json!({"operation": request.operation, "userInfo": {"username": request.user}});
    context.add_variable("request", said).unwrap();
    // `authorizer.group('*').resource('*').check('*').allowed()` is whether somebody may do everything.
    context.add_variable("authorizer", request.admin).unwrap();
    for step in ["group", "resource", "check"] {
        let everything = |This(this): This<Cel>, which: Arc<String>| {
            assert_eq!(*which, "*");
            this
        };
        context.add_function(step, everything).unwrap();
    }
    context.add_function("allowed", |This(this): This<Cel>| this).unwrap();
    context
}

fn evaluate(expression: &str, context: &Context<'_, '_>) -> Cel {
    let program = Program::compile(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
    program.execute(context).unwrap_or_else(|error| panic!("{expression}: {error}"))
}

/// What a policy says of a request: nothing if it admits it.
pub(super) fn denied(policy: &Value, request: &Request) -> Option<String> {
    if !is_for(policy, request) {
        return None;
    }
    let mut context = context(request);
    let spec = &policy["spec"];
    let list = |name: &str| spec[name].as_array().cloned().unwrap_or_default();
    let is_true =
        |expression: &Value, context: &Context<'_, '_>| evaluate(text(expression), context) == Cel::Bool(true);
    if !list("matchConditions").iter().all(|condition| is_true(&condition["expression"], &context)) {
        return None;
    }
    let mut variables: HashMap<String, Cel> = HashMap::new();
    for variable in list("variables") {
        let value = evaluate(text(&variable["expression"]), &context);
        variables.insert(text(&variable["name"]).to_owned(), value);
        context.add_variable_from_value("variables", variables.clone());
    }
    let broken = list("validations").into_iter().find(|rule| !is_true(&rule["expression"], &context))?;
    match broken["messageExpression"].as_str() {
        None => Some(text(&broken["message"]).to_owned()),
        Some(expression) => match evaluate(expression, &context) {
            Cel::String(message) => Some(message.to_string()),
            other => panic!("{expression}: no text: {other:?}"),
        },
    }
}
