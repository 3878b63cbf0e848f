use std::collections::HashSet;

use capstan_api::flux::ArtifactGeneratorSpec;

use crate::GenerateError;

/// Does the spec speak of what it has, once each?
///
/// # Errors
/// [`GenerateError::Spec`] that says what is wrong, in source-watcher's words.
pub fn validate(spec: &ArtifactGeneratorSpec) -> Result<(), GenerateError> {
    let refuse = |why: String| Err(GenerateError::Spec(why));
    let mut aliases = HashSet::new();
    for source in &spec.sources {
        if !aliases.insert(&*source.alias) {
            return refuse(format!("duplicate source alias '{}' found", source.alias));
        }
    }
    let mut names = HashSet::new();
    for artifact in &spec.artifacts {
        if !names.insert(&*artifact.name) {
            return refuse(format!("duplicate artifact name '{}' found", artifact.name));
        }
        let named =
            [("revision", &artifact.revision), ("originRevision", &artifact.origin_revision)];
        for (field, reference) in named {
            let alias = reference.as_deref().map(|text| text.trim_start_matches('@'));
            if let Some(alias) = alias.filter(|alias| !alias.is_empty() && !aliases.contains(alias))
            {
                let name = &artifact.name;
                return refuse(format!("artifact {name} {field} source alias '{alias}' not found"));
            }
        }
    }
    Ok(())
}
