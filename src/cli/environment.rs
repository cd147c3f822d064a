//! Variables of the environment, and of a file that stands in for them.
//!
//! Takes as given that an empty variable is not set; never reads the environment of the process itself.

use std::collections::BTreeMap;
use std::path::Path;

use super::Failure;

/// Where variables are looked up.
pub(super) struct Environment<'e> {
    process: &'e dyn Fn(&str) -> Option<String>,
    file: BTreeMap<String, String>,
}

impl<'e> Environment<'e> {
    /// The variables of the process, else those of the file, if one is named.
    pub(super) fn new(process: &'e dyn Fn(&str) -> Option<String>, file: Option<&Path>) -> Result<Self, Failure> {
        let mut variables = BTreeMap::new();
        if let Some(path) = file {
            let wrong = |why: String| Failure::File { name: path.display().to_string(), why };
            let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
            for (at, line) in text.lines().enumerate() {
                match variable(line) {
                    Some(Ok((name, value))) => drop(variables.insert(name.to_owned(), value.to_owned())),
                    Some(Err(())) => return Err(wrong(format!("line {} is not KEY=VALUE", at + 1))),
                    None => {}
                }
            }
        }
        Ok(Environment { process, file: variables })
    }

    /// The proxies that it names.
    #[cfg(feature = "shell")]
    pub(super) fn proxies(&self) -> crate::shell::transport::Proxies {
        crate::shell::transport::Proxies::from_lookup(|name| self.get(name).map(Into::into))
    }

    /// The value of a variable, if it is set and not empty.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        let value = (self.process)(name).filter(|value| !value.is_empty());
        value.or_else(|| self.file.get(name).filter(|value| !value.is_empty()).cloned())
    }
}

/// A line `KEY=VALUE`, also with `export` and quotes; `None` for an empty line or a comment.
fn variable(line: &str) -> Option<Result<(&str, &str), ()>> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let line = line.strip_prefix("export ").unwrap_or(line);
    let Some((name, value)) = line.split_once('=') else { return Some(Err(())) };
    let (name, value) = (name.trim(), value.trim());
    let quoted = ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
    if name.is_empty() || name.contains(char::is_whitespace) {
        return Some(Err(()));
    }
    Some(Ok((name, quoted.unwrap_or(value))))
}
