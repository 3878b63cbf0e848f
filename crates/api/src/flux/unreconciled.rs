use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, CustomResourceDefinitionVersion, JSONSchemaProps,
};
use serde_json::{Value, json};

use super::shared::{self, DURATION, STATUS_COLUMNS};
use super::{HELM_GROUP, NOTIFICATION_GROUP, SOURCE_GROUP};
use crate::crd::Column;

/// A kind of Flux's that is served and stored, and that nothing of ours reconciles yet.
#[derive(Clone, Copy, Debug)]
pub struct Unreconciled {
    /// API group.
    pub group: &'static str,
    /// Kind.
    pub kind: &'static str,
    /// Versions that are served; the first is stored.
    pub versions: &'static [&'static str],
    /// Does it report in a status? Flux's notification kinds are static.
    pub has_status: bool,
    /// What a user can do instead.
    pub instead: &'static str,
    plural: &'static str,
    short_names: &'static [&'static str],
    categories: &'static [&'static str],
    /// The columns between name and age.
    columns: &'static [Column],
    /// Required fields of the spec, and their schemas.
    required: &'static [(&'static str, Field)],
}

/// The schema of a field of a spec, as far as it is looked at.
#[derive(Clone, Copy, Debug)]
enum Field {
    Text,
    Duration,
    Object,
    Objects,
}

/// All of them.
pub const UNRECONCILED: &[Unreconciled] = &[
    Unreconciled {
        group: HELM_GROUP,
        kind: "HelmRelease",
        plural: "helmreleases",
        short_names: &["hr"],
        categories: &["all", "fluxcd", "fluxcd-appliers"],
        versions: &["v2", "v2beta2", "v2beta1"],
        required: &[("interval", Field::Duration)],
        columns: &[],
        has_status: true,
        instead: "commit what the chart renders to, and apply it with a Kustomization",
    },
    Unreconciled {
        group: SOURCE_GROUP,
        kind: "HelmRepository",
        plural: "helmrepositories",
        short_names: &["helmrepo"],
        categories: &["all", "fluxcd", "fluxcd-sources"],
        versions: &["v1", "v1beta2"],
        required: &[("url", Field::Text)],
        columns: &[URL],
        has_status: true,
        instead: "commit what the charts render to, and apply it with a Kustomization",
    },
    Unreconciled {
        group: SOURCE_GROUP,
        kind: "HelmChart",
        plural: "helmcharts",
        short_names: &["hc"],
        categories: &["all", "fluxcd", "fluxcd-sources"],
        versions: &["v1", "v1beta2"],
        required: &[
            ("chart", Field::Text),
            ("interval", Field::Duration),
            ("sourceRef", Field::Object),
        ],
        columns: &[
            Column::text("Chart", ".spec.chart"),
            Column::text("Version", ".spec.version"),
            Column::text("Source Kind", ".spec.sourceRef.kind"),
            Column::text("Source Name", ".spec.sourceRef.name"),
        ],
        has_status: true,
        instead: "commit what the chart renders to, and apply it with a Kustomization",
    },
    Unreconciled {
        group: NOTIFICATION_GROUP,
        kind: "Alert",
        plural: "alerts",
        short_names: &[],
        categories: &["all", "fluxcd", "fluxcd-notifications"],
        versions: &["v1beta3", "v1beta2"],
        required: &[("eventSources", Field::Objects), ("providerRef", Field::Object)],
        columns: &[],
        has_status: false,
        instead: "nobody is notified: read `flux events`, or watch the events of the cluster",
    },
    Unreconciled {
        group: NOTIFICATION_GROUP,
        kind: "Provider",
        plural: "providers",
        short_names: &[],
        categories: &["all", "fluxcd", "fluxcd-notifications"],
        versions: &["v1beta3", "v1beta2"],
        required: &[("type", Field::Text)],
        columns: &[],
        has_status: false,
        instead: "nobody is notified: read `flux events`, or watch the events of the cluster",
    },
];

const URL: Column = Column::text("URL", ".spec.url");

impl Unreconciled {
    pub(super) fn crd(&self) -> CustomResourceDefinition {
        let mut columns = self.columns.to_vec();
        columns.push(Column::AGE);
        if self.has_status {
            columns.extend(STATUS_COLUMNS);
        }
        let mut crd = shared::crd(
            (self.group, self.kind, self.plural),
            self.short_names,
            self.categories,
            self.versions,
            (self.spec(), status()),
            &columns,
        );
        if !self.has_status {
            crd.spec.versions.iter_mut().for_each(remove_status);
        }
        crd
    }

    fn spec(&self) -> JSONSchemaProps {
        let mut properties = json!({"suspend": {"type": "boolean"}});
        for (name, field) in self.required {
            properties[*name] = field.schema();
        }
        let required: Vec<_> = self.required.iter().map(|(name, _)| *name).collect();
        schema(json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "x-kubernetes-preserve-unknown-fields": true,
        }))
    }
}

impl Field {
    fn schema(self) -> Value {
        let object = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        match self {
            Self::Text => json!({"type": "string"}),
            Self::Duration => json!({"type": "string", "pattern": DURATION}),
            Self::Object => object,
            Self::Objects => json!({"type": "array", "items": object}),
        }
    }
}

/// Whatever another controller reported stays as it is.
fn status() -> JSONSchemaProps {
    schema(json!({
        "type": "object",
        "properties": {
            "conditions": shared::conditions_schema(),
            "lastHandledReconcileAt": {"type": "string"},
            "observedGeneration": {"type": "integer", "format": "int64"},
        },
        "x-kubernetes-preserve-unknown-fields": true,
    }))
}

fn schema(value: Value) -> JSONSchemaProps {
    serde_json::from_value(value).expect("the schemas above are structural")
}

fn remove_status(version: &mut CustomResourceDefinitionVersion) {
    version.subresources = None;
    let schema = version.schema.as_mut().and_then(|schema| schema.open_api_v3_schema.as_mut());
    if let Some(properties) = schema.and_then(|schema| schema.properties.as_mut()) {
        properties.remove("status");
    }
}

#[cfg(test)]
mod tests {
    use super::{UNRECONCILED, Unreconciled};
    use crate::flux::crds;
    use crate::flux::shared::CRD_LABELS;

    fn kind(kind: &str) -> &'static Unreconciled {
        UNRECONCILED.iter().find(|known| known.kind == kind).expect("a kind of the table")
    }

    #[test]
    fn a_kind_shows_what_flux_shows() {
        let crd = kind("HelmChart").crd();
        assert_eq!(crd.metadata.name.as_deref(), Some("helmcharts.source.toolkit.fluxcd.io"));
        assert_eq!(crd.spec.names.short_names.as_deref(), Some(&["hc".to_owned()][..]));
        let columns = crd.spec.versions[0].additional_printer_columns.as_deref();
        let names: Vec<_> = columns.unwrap_or_default().iter().map(|c| &*c.name).collect();
        let expected = ["Chart", "Version", "Source Kind", "Source Name", "Age", "Ready", "Status"];
        assert_eq!(names, expected);
    }

    #[test]
    fn the_newest_version_is_stored_and_the_older_ones_are_served() {
        let versions = kind("HelmRelease").crd().spec.versions;
        let seen: Vec<_> = versions.iter().map(|v| (&*v.name, v.served, v.storage)).collect();
        assert_eq!(seen, [("v2", true, true), ("v2beta2", true, false), ("v2beta1", true, false)]);
    }

    #[test]
    fn notification_kinds_are_static() {
        for kind in UNRECONCILED {
            for version in kind.crd().spec.versions {
                let schema = version.schema.and_then(|schema| schema.open_api_v3_schema);
                let properties = schema.and_then(|schema| schema.properties).expect("a schema");
                let status = properties.contains_key("status");
                let subresource = version.subresources.is_some();
                assert_eq!((status, subresource), (kind.has_status, kind.has_status));
            }
        }
    }

    #[test]
    fn an_object_that_nobody_has_seen_says_so() {
        for crd in crds() {
            assert!(CRD_LABELS.iter().all(|(key, value)| {
                let labels = crd.metadata.labels.as_ref();
                labels.and_then(|labels| labels.get(*key)).is_some_and(|own| own == value)
            }));
            for version in crd.spec.versions.into_iter().filter(|v| v.subresources.is_some()) {
                let schema = version.schema.and_then(|schema| schema.open_api_v3_schema);
                let properties = schema.and_then(|schema| schema.properties).expect("a schema");
                let status = &properties["status"];
                let fields = status.properties.as_ref().expect("fields");
                let default = status.default.as_ref().map(|d| d.0["observedGeneration"].clone());
                let is_observed = fields.contains_key("observedGeneration");
                assert_eq!(default, is_observed.then(|| (-1).into()));
            }
        }
    }
}
