//! What a layer hands to the one above it: its objects, and the rules for what is done once at the end.

use std::sync::Arc;

use crate::config::Config;
use crate::error::BuildError;
use crate::resources::Resources;
use crate::vars::Vars;

/// The objects of a layer and of all below it, with what they brought along.
#[derive(Clone, Debug, Default)]
pub(crate) struct Accumulated {
    pub(crate) resources: Resources,
    pub(crate) config: Arc<Config>,
    pub(crate) vars: Vars,
}

impl Accumulated {
    /// Takes over everything of a base.
    pub(crate) fn extend(&mut self, base: Self) -> Result<(), BuildError> {
        self.resources.extend(base.resources)?;
        self.configure(&base.config)?;
        self.vars.extend(base.vars)
    }

    /// Adds a configuration.
    pub(crate) fn configure(&mut self, config: &Arc<Config>) -> Result<(), BuildError> {
        // The first configuration is taken as it is: nearly every build has only the defaults.
        self.config = if *self.config == Config::default() {
            Arc::clone(config)
        } else {
            self.config.merge(config)?
        };
        Ok(())
    }
}
