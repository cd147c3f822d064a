//! To be written.

/// One document source.
pub struct Source {
    /// name
    pub name: String,
    /// text
    pub text: String,
}
/// Error.
#[derive(Debug, thiserror::Error)]
#[error("none")]
pub struct DocumentError;
/// Reads.
pub fn read(
    _sources: &[Source],
    world: crate::world::World,
    _ns: Option<&str>,
) -> Result<crate::world::World, DocumentError> {
    Ok(world)
}
