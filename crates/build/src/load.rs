//! From paths to objects: files, directories, bases and components.

use std::cell::Cell;
use std::sync::Arc;

use capstan_tree::{EntryKind, Tree, TreeError, join, parent};
use capstan_yaml::{Document, Schema};
use serde_json::Value;

use crate::config::{self, Config};
use crate::error::BuildError;
use crate::kustomization::{FILES, Kustomization, Placed};
use crate::layer::Accumulated;
use crate::options::Options;
use crate::origin::{self, Origin};
use crate::plugin::{self, Scene};
use crate::schema::{Chosen, Schemas};
use crate::{generate, objects, transform};

/// Layers within layers: far more than anybody stacks, and far from the end of a thread's stack.
const DEPTH: usize = 100;
/// Layers of one build, each as often as it is included: diamonds upon diamonds double them with every step.
const LAYERS: usize = 5_000;

/// Reads a tree for one build.
pub(crate) struct Loader<'a> {
    tree: &'a dyn Tree,
    options: Options,
    /// How many layers it has read.
    layers: Cell<usize>,
    /// Whether it has read an object.
    met_objects: Cell<bool>,
    chosen: Chosen,
}

impl<'a> Loader<'a> {
    pub(crate) fn new(tree: &'a dyn Tree, options: Options) -> Self {
        Self {
            tree,
            options,
            layers: Cell::new(0),
            met_objects: Cell::new(false),
            chosen: Chosen::default(),
        }
    }

    /// Notes that there are objects.
    pub(crate) fn meet_objects(&self) {
        self.met_objects.set(true);
    }

    /// What is known of the lists of kinds.
    pub(crate) fn schemas(&self) -> Schemas {
        self.chosen.schemas()
    }

    /// May a layer read this file?
    fn permit(&self, directory: &str, path: &str) -> Result<(), BuildError> {
        let inside = directory.is_empty() || path.starts_with(&format!("{directory}/"));
        if inside || !self.options.restricts {
            return Ok(());
        }
        let message = format!("security; file '/{path}' is not in or below '/{directory}'");
        Err(BuildError::new(message)
            .hint("move the file, or make its directory a base or component"))
    }

    /// The kustomization of a directory, if it has one.
    pub(crate) fn kustomization(
        &self,
        directory: &str,
    ) -> Result<Option<Kustomization>, BuildError> {
        let paths = FILES.map(|name| join(directory, name).unwrap_or_default());
        let is_file = |path: &&String| self.tree.kind(path) == Some(EntryKind::File);
        let found: Vec<&String> = paths.iter().filter(is_file).collect();
        match found.as_slice() {
            [] => Ok(None),
            [path] => Kustomization::parse(&self.text("", path)?.0, path).map(Some),
            [first, second, ..] => {
                let message = "Found multiple kustomization files";
                Err(BuildError::new(format!("{message}: `{first}` and `{second}`"))
                    .hint("keep one of them"))
            }
        }
    }

    /// Builds a directory whose kustomization is known.
    pub(crate) fn build(
        &self,
        directory: &str,
        kustomization: &Kustomization,
    ) -> Result<Accumulated, BuildError> {
        let mut accumulated = Accumulated::default();
        let mut visited = vec![directory.to_owned()];
        self.run(directory, kustomization, &mut accumulated, &mut visited)?;
        Ok(accumulated)
    }

    fn run(
        &self,
        directory: &str,
        layer: &Kustomization,
        into: &mut Accumulated,
        visited: &mut Vec<String>,
    ) -> Result<(), BuildError> {
        self.choose_schema(directory, layer)?;
        BuildError::gather(layer.resources.iter().map(|entry| {
            let included = self.include(directory, entry, into, visited);
            included.map_err(|error| error.while_("accumulating resources"))
        }))?;
        self.configure(directory, layer, into)?;
        let scene = Scene { loader: self, directory };
        generate::run(self, directory, layer, &mut into.resources)?;
        plugin::generate(&scene, &layer.generators, &mut into.resources, visited)?;
        let components = layer.components.iter();
        BuildError::gather(components.map(|entry| self.enter(directory, entry, into, visited)))?;
        let config = Arc::clone(&into.config);
        transform::run(self, directory, layer, &config, &mut into.resources)?;
        origin::note_layer(layer, &mut into.resources);
        plugin::transform(&scene, &layer.transformers, &mut into.resources, visited)?;
        plugin::validate(&scene, &layer.validators, &mut into.resources, visited)?;
        into.vars.add(&layer.vars, &mut into.resources)
    }

    /// Runs a component, which changes what is there already.
    fn enter(
        &self,
        directory: &str,
        entry: &Placed<String>,
        into: &mut Accumulated,
        visited: &mut Vec<String>,
    ) -> Result<(), BuildError> {
        let accumulating = |error: BuildError| error.while_("accumulating components");
        let path = self.resolve(directory, entry).map_err(accumulating)?;
        let component = self.descend(&path, entry, true, visited).map_err(accumulating)?;
        let done = self.run(&path, &component, into, visited);
        visited.pop();
        done.map_err(|error| error.through(&entry.place))
    }

    /// Takes the schema that the layer brings, unless one before it did.
    fn choose_schema(&self, directory: &str, layer: &Kustomization) -> Result<(), BuildError> {
        let choose = || {
            let document = match layer.openapi.get("path") {
                None => None,
                Some(path) => {
                    let (mut documents, _) = self.documents(directory, path, Schema::Config)?;
                    (documents.len() == 1).then(|| documents.remove(0).value).or(Some(Value::Null))
                }
            };
            let version = layer.openapi.get("version").map(String::as_str);
            self.chosen.choose(version, document, self.met_objects.get())
        };
        choose().map_err(|error| error.at(&layer.place("openapi")))
    }

    /// Adds the lists of fields that the layer brings, to those of kustomize.
    fn configure(
        &self,
        directory: &str,
        layer: &Kustomization,
        into: &mut Accumulated,
    ) -> Result<(), BuildError> {
        let mut config = Config::defaults();
        for (entries, read) in [
            (&layer.configurations, Config::parse as fn(&Value) -> Result<Config, BuildError>),
            (&layer.crds, config::from_crds),
        ] {
            for Placed { value: path, place } in entries {
                let at = |error: BuildError| error.at(place);
                let (documents, _) = self.documents(directory, path, Schema::Config).map_err(at)?;
                for document in documents {
                    let more = Arc::new(read(&document.value).map_err(at)?);
                    config = config.merge(&more).map_err(at)?;
                }
            }
        }
        into.configure(&config)
    }

    /// Adds what an entry of `resources` means: the objects of a file, or the build of a directory.
    pub(crate) fn include(
        &self,
        directory: &str,
        entry: &Placed<String>,
        into: &mut Accumulated,
        visited: &mut Vec<String>,
    ) -> Result<(), BuildError> {
        let path = self.resolve(directory, entry)?;
        if self.tree.kind(&path) == Some(EntryKind::File) {
            self.permit(directory, &path).map_err(|error| error.at(&entry.place))?;
            for mut resource in
                objects::of_file(self, &path).map_err(|error| error.at(&entry.place))?
            {
                resource.origin = Some(Origin::File(path.clone()));
                into.resources.push(resource).map_err(|error| error.through(&entry.place))?;
            }
            return Ok(());
        }
        let base = self.descend(&path, entry, false, visited)?;
        let mut inner = Accumulated::default();
        let done = self.run(&path, &base, &mut inner, visited);
        visited.pop();
        done.and_then(|()| into.extend(inner)).map_err(|error| error.through(&entry.place))
    }

    /// The path that an entry means, which exists.
    fn resolve(&self, directory: &str, entry: &Placed<String>) -> Result<String, BuildError> {
        let text = entry.value.as_str();
        if text.is_empty() {
            return Err(BuildError::new("the path is empty").at(&entry.place));
        }
        if is_remote(text) && self.tree.kind(&join(directory, text).unwrap_or_default()).is_none() {
            return Err(BuildError::new(format!("`{text}` is remote"))
                .at(&entry.place)
                .hint("copy it into the repository: a build reads nothing but its source"));
        }
        let path = join(directory, text).map_err(|error| escape(&error).at(&entry.place))?;
        match self.tree.kind(&path) {
            Some(_) => Ok(path),
            None => Err(missing(self.tree, directory, text).at(&entry.place)),
        }
    }

    /// The kustomization of an included directory, which is noted as visited.
    fn descend(
        &self,
        path: &str,
        entry: &Placed<String>,
        component: bool,
        visited: &mut Vec<String>,
    ) -> Result<Kustomization, BuildError> {
        let holds = |inner: &String| {
            path.is_empty() || inner == path || inner.starts_with(&format!("{path}/"))
        };
        if visited.iter().any(holds) {
            let chain = [visited.as_slice(), &[path.to_owned()]].concat().join("` -> `");
            return Err(BuildError::new(format!("cycle: `{chain}`"))
                .at(&entry.place)
                .hint("a layer cannot include itself or a directory that it lies in"));
        }
        self.layers.set(self.layers.get() + 1);
        if visited.len() > DEPTH || self.layers.get() > LAYERS {
            let message = format!(
                "too many layers: at most {DEPTH} may lie upon each other, and {LAYERS} in one build"
            );
            return Err(BuildError::new(message)
                .at(&entry.place)
                .hint("split what this directory includes into Kustomizations of its own"));
        }
        if self.tree.kind(path) == Some(EntryKind::File) {
            let error = BuildError::new(format!("`{path}` is a file, not a directory"));
            return Err(error.at(&entry.place));
        }
        let found = self.kustomization(path).map_err(|error| error.through(&entry.place))?;
        let Some(found) = found else {
            return Err(no_kustomization(path).at(&entry.place));
        };
        match (component, found.is_component) {
            (true, false) => {
                let message = format!(
                    "accumulateDirectory: \"expected kind 'Component' for path '/{path}' but got 'Kustomization'\""
                );
                Err(BuildError::new(message)
                    .at(&entry.place)
                    .hint("list it under `resources`, or make its kind `Component`"))
            }
            (false, true) => {
                let message = format!("expected kind != 'Component' for path '/{path}'");
                Err(BuildError::new(message).at(&entry.place).hint("list it under `components`"))
            }
            _ => {
                visited.push(path.to_owned());
                Ok(found)
            }
        }
    }

    /// The bytes of a file that is named in a directory.
    pub(crate) fn read(&self, directory: &str, path: &str) -> Result<Vec<u8>, BuildError> {
        let full = join(directory, path).map_err(|error| escape(&error))?;
        self.permit(directory, &full)?;
        self.tree.read(&full).map_err(|error| match error {
            TreeError::NotFound(_) => missing(self.tree, directory, path),
            other => BuildError::new(other.to_string()),
        })
    }

    /// Is there a file of that name?
    pub(crate) fn is_file(&self, directory: &str, path: &str) -> bool {
        join(directory, path).is_ok_and(|path| self.tree.kind(&path) == Some(EntryKind::File))
    }

    /// The documents of a file that is named in a directory, and its path.
    pub(crate) fn documents(
        &self,
        directory: &str,
        path: &str,
        schema: Schema,
    ) -> Result<(Vec<Document>, String), BuildError> {
        let (text, full) = self.text(directory, path)?;
        Ok((capstan_yaml::read_documents(&text, &full, schema)?, full))
    }

    /// The text of a file that is named in a directory, and its path.
    pub(crate) fn text(&self, directory: &str, path: &str) -> Result<(String, String), BuildError> {
        let full = join(directory, path).map_err(|error| escape(&error))?;
        let text = String::from_utf8(self.read(directory, path)?)
            .map_err(|_| BuildError::new(format!("`{full}` is not UTF-8 text")))?;
        Ok((text, full))
    }
}

/// Does a path lead to another machine?
pub(crate) fn is_remote(path: &str) -> bool {
    path.contains("://") || path.starts_with("git@") || path.starts_with("github.com")
}

fn escape(error: &TreeError) -> BuildError {
    BuildError::new(error.to_string()).hint("a build reads nothing outside its source")
}

/// A directory that should have a kustomization.
pub(crate) fn no_kustomization(path: &str) -> BuildError {
    let names = "'kustomization.yaml', 'kustomization.yml' or 'Kustomization'";
    BuildError::new(format!("unable to find one of {names} in directory '/{path}'"))
        .hint("name its files one by one, or add a kustomization.yaml to it")
}

/// A path that is not there, and what is there instead.
pub(crate) fn missing(tree: &dyn Tree, directory: &str, path: &str) -> BuildError {
    let full = join(directory, path).unwrap_or_else(|_| path.to_owned());
    let error = BuildError::new(format!("'/{full}' doesn't exist"));
    let names = tree.list(parent(&full)).unwrap_or_default();
    let shown: Vec<String> = names.iter().take(8).map(|e| format!("`{}`", e.name)).collect();
    if shown.is_empty() {
        return error.hint("check the path; its directory does not exist either");
    }
    let more = if names.len() > shown.len() { ", …" } else { "" };
    error.hint(format!("check the path; its directory has {}{more}", shown.join(", ")))
}
