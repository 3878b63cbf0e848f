use std::collections::BTreeMap;

/// Flux's feature gates of all controllers, and what they are without being named.
const GATES: &[(&str, bool)] = &[
    ("AdditiveCELDependencyCheck", false),
    ("AdoptLegacyReleases", false),
    ("AllowDNSLookups", false),
    ("CacheSecretsAndConfigMaps", false),
    ("CancelHealthCheckOnNewRevision", false),
    ("CorrectDrift", false),
    ("DefaultToRetryOnFailure", false),
    ("DetectDrift", false),
    ("DirectSourceFetch", false),
    ("DisableChartDigestTracking", false),
    ("DisableConfigWatchers", false),
    ("DisableFailFastBehavior", false),
    ("DisableStatusPollerCache", true),
    ("ExternalArtifact", false),
    ("GitAllBranchReferences", true),
    ("GitForcePushBranch", true),
    ("GitShallowClone", true),
    ("GitSparseCheckout", false),
    ("GroupChangeLog", false),
    ("MigrateAPIVersion", false),
    ("OOMWatch", false),
    (WORKLOAD_IDENTITY, false),
    ("StrictPostBuildSubstitutions", true),
    ("UseHelm3Defaults", false),
];

/// ServiceAccounts that objects name may stand for a role in a cloud.
pub(crate) const WORKLOAD_IDENTITY: &str = "ObjectLevelWorkloadIdentity";

/// What was said of feature gates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Gates(BTreeMap<&'static str, bool>);

impl Gates {
    /// Reads `<name>=true,<name>=false`, as Flux does: an unknown gate is an error.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let mut gates = BTreeMap::new();
        for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (name, value) =
                pair.split_once('=').ok_or_else(|| format!("write `{pair}` as {pair}=true"))?;
            let known = GATES.iter().find(|(gate, _)| *gate == name.trim());
            let (gate, _) = known.ok_or_else(|| format!("feature-gate '{name}' not supported"))?;
            let value = match value.trim() {
                "1" | "t" | "T" | "true" | "TRUE" | "True" => true,
                "0" | "f" | "F" | "false" | "FALSE" | "False" => false,
                other => return Err(format!("invalid value `{other}` for feature-gate '{name}'")),
            };
            gates.insert(*gate, value);
        }
        Ok(Self(gates))
    }

    /// Is a gate on?
    pub(crate) fn is_on(&self, gate: &str) -> bool {
        self.0.get(gate).copied().unwrap_or_else(|| GATES.contains(&(gate, true)))
    }

    /// Gates that were set to something else than what they are anyway, and change nothing.
    pub(super) fn without_effect(&self) -> Vec<(&'static str, bool)> {
        let set = self.0.iter().map(|(name, value)| (*name, *value));
        set.filter(|gate| gate.0 != WORKLOAD_IDENTITY && !GATES.contains(gate)).collect()
    }
}
