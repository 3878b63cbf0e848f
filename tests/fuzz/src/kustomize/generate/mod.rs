//! Random overlays that are valid most of the time.

mod configuration;
mod generators;
mod layer;
mod objects;
mod patches;
mod plugins;
mod pods;
mod replacements;
mod scalars;
mod spelling;

use serde_json::Value;

use crate::case::{Case, File};
use crate::node::Node;
use crate::random::Random;
use crate::write::Style;
use objects::Object;

/// What a case may use. Each case has a few of them, so that each comes with every other in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Feature {
    StrategicPatches,
    JsonPatches,
    ConfigMaps,
    Secrets,
    Images,
    Replicas,
    Labels,
    CommonLabels,
    Annotations,
    Namespace,
    Prefix,
    Suffix,
    Vars,
    Replacements,
    Transformers,
    Generators,
    Configurations,
    Crds,
    Sort,
    Metadata,
    OddScalars,
    OddStyle,
    Lists,
}

const FEATURES: [Feature; 23] = [
    Feature::StrategicPatches,
    Feature::JsonPatches,
    Feature::ConfigMaps,
    Feature::Secrets,
    Feature::Images,
    Feature::Replicas,
    Feature::Labels,
    Feature::CommonLabels,
    Feature::Annotations,
    Feature::Namespace,
    Feature::Prefix,
    Feature::Suffix,
    Feature::Vars,
    Feature::Replacements,
    Feature::Transformers,
    Feature::Generators,
    Feature::Configurations,
    Feature::Crds,
    Feature::Sort,
    Feature::Metadata,
    Feature::OddScalars,
    Feature::OddStyle,
    Feature::Lists,
];

/// A case in the making.
pub(crate) struct Maker<'a> {
    pub(crate) random: &'a mut Random,
    features: Vec<Feature>,
    case: Case,
    /// Numbers files so that names differ.
    count: usize,
}

/// The next case of these choices.
pub(crate) fn case(random: &mut Random) -> Case {
    let density = 2 + random.below(4);
    let features: Vec<Feature> = FEATURES.into_iter().filter(|_| random.one_in(density)).collect();
    let mut maker = Maker { random, features, case: Case::default(), count: 0 };
    maker.case.legacy = maker.random.one_in(8);
    layer::stack(&mut maker);
    maker.case
}

impl Maker<'_> {
    pub(crate) fn has(&self, feature: Feature) -> bool {
        self.features.contains(&feature)
    }

    /// Does the case have the feature, and does it show here?
    pub(crate) fn shows(&mut self, feature: Feature) -> bool {
        self.has(feature) && !self.random.one_in(3)
    }

    /// A name that no other file of the case has.
    pub(crate) fn file_name(&mut self, stem: &str) -> String {
        self.count += 1;
        let end = if self.random.one_in(6) { "yml" } else { "yaml" };
        format!("{stem}-{}.{end}", self.count)
    }

    /// Adds a file of documents, oddly written when the case is odd.
    pub(crate) fn add(&mut self, path: &str, documents: &[Value]) {
        let documents = documents.iter().map(Node::of).collect();
        self.add_nodes(path, documents);
    }

    pub(crate) fn add_nodes(&mut self, path: &str, mut documents: Vec<Node>) {
        let styles = self.has(Feature::OddStyle);
        let is_odd = self.has(Feature::OddScalars);
        for document in &mut documents {
            scalars::fill(self.random, document, is_odd);
            spelling::shuffle(self.random, document);
            if styles {
                spelling::vary(self.random, document);
                if self.random.one_in(3) {
                    spelling::alias(self.random, document);
                }
                // A file that begins with a brace is JSON for some of its readers.
                if let Node::Map { flow, .. } = document {
                    *flow = false;
                }
            }
        }
        let mut style = if styles { spelling::style(self.random) } else { Style::default() };
        // kustomize moves the comments of a patch along, and cannot always read what it wrote then.
        style.comments &= !path.contains("patch");
        self.case.files.insert(path.to_owned(), File::Yaml { documents, style });
    }

    pub(crate) fn add_bytes(&mut self, path: &str, bytes: &[u8]) {
        self.case.files.insert(path.to_owned(), File::Bytes(bytes.to_vec()));
    }

    pub(crate) fn set_path(&mut self, path: &str) {
        path.clone_into(&mut self.case.path);
    }

    /// One of the objects, when there are any.
    pub(crate) fn object(&mut self, objects: &[Object]) -> Option<Object> {
        (!objects.is_empty()).then(|| objects[self.random.below(objects.len())].clone())
    }

    /// One of the objects for which it holds; seldom one for which it does not.
    pub(crate) fn object_of(
        &mut self,
        objects: &[Object],
        holds: impl Fn(&Object) -> bool,
    ) -> Option<Object> {
        let any = self.random.one_in(30);
        let fit: Vec<Object> = objects.iter().filter(|it| any || holds(it)).cloned().collect();
        self.object(&fit)
    }
}
