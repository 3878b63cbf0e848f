//! From paths to objects: files, directories, bases and components.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use capstan_tree::{EntryKind, Tree, TreeError, parent};
use capstan_yaml::{Document, Schema};
use serde_json::Value;

use crate::bounds::Bounds;
use crate::config::{self, Config};
use crate::error::BuildError;
use crate::kustomization::{FILES, Kustomization, Placed};
use crate::layer::Accumulated;
use crate::options::Options;
use crate::origin::{self, Origin};
use crate::plugin::{self, Scene};
use crate::remote::{
    AtUrl, Mounts, Need, Remotes, RepoSpec, is_file_url, is_remote, join, shown, split,
};
use crate::resource::Resource;
use crate::resources::Resources;
use crate::schema::{Chosen, Schemas};
use crate::trail::Trail;
use crate::{generate, objects, transform};

/// Reads a tree for one build.
pub(crate) struct Loader<'a> {
    pub(crate) tree: Mounts<'a>,
    options: Options,
    /// What is remote and was not fetched.
    pub(crate) needs: RefCell<Vec<Need>>,
    pub(crate) bounds: Bounds,
    /// Does the build note in annotations where objects come from?
    pub(crate) keeps_notes: Cell<bool>,
    chosen: Chosen,
}

impl<'a> Loader<'a> {
    pub(crate) fn new(tree: &'a dyn Tree, remotes: &'a Remotes, options: Options) -> Self {
        Self {
            tree: Mounts::new(tree, remotes),
            options,
            needs: RefCell::default(),
            bounds: Bounds::default(),
            keeps_notes: Cell::new(false),
            chosen: Chosen::default(),
        }
    }

    /// What is known of the lists of kinds.
    pub(crate) fn schemas(&self) -> Schemas {
        self.chosen.schemas()
    }

    /// May a layer read this file? Those of remote bases never read outside of their own directory.
    fn permit(&self, directory: &str, path: &str) -> Result<(), BuildError> {
        let is_restricted = self.options.restricts || split(directory).0.is_some();
        if directory.is_empty() || !is_restricted {
            return Ok(());
        }
        let real = self.tree.real(path).map_err(|error| escape(&error))?;
        if real.starts_with(&format!("{directory}/")) {
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
        let is_file = |path: &&String| {
            self.tree.kind(path) == Some(EntryKind::File) && self.permit(directory, path).is_ok()
        };
        let found: Vec<&String> = paths.iter().filter(is_file).collect();
        match found.as_slice() {
            [] => Ok(None),
            [path] => Kustomization::parse(&self.text_of(path)?, path).map(Some),
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
        let mut trail = Trail::default();
        trail.enter(directory)?;
        self.run(directory, kustomization, &mut accumulated, &mut trail)?;
        Ok(accumulated)
    }

    fn run(
        &self,
        directory: &str,
        layer: &Kustomization,
        into: &mut Accumulated,
        trail: &mut Trail,
    ) -> Result<(), BuildError> {
        self.choose_schema(directory, layer)?;
        let included = BuildError::gather(layer.resources.iter().map(|entry| {
            let included = self.include(directory, entry, into, trail);
            included.map_err(|error| error.while_("accumulating resources"))
        }));
        self.settle(included)?;
        let scene = Scene { loader: self, directory };
        let generated = self
            .configure(directory, layer, into)
            .and_then(|()| generate::run(self, directory, layer, &mut into.resources))
            .and_then(|()| plugin::generate(&scene, &layer.generators, &mut into.resources, trail));
        self.settle(generated)?;
        let components = layer.components.iter();
        let changed =
            BuildError::gather(components.map(|entry| self.change(directory, entry, into, trail)));
        self.settle(changed)?;
        if self.lacks() {
            return Ok(());
        }
        let config = Arc::clone(&into.config);
        transform::run(self, directory, layer, &config, &mut into.resources)?;
        origin::note_layer(layer, &mut into.resources);
        plugin::transform(&scene, &layer.transformers, &mut into.resources, trail)?;
        plugin::validate(&scene, &layer.validators, &mut into.resources, trail)?;
        into.vars.add(&layer.vars, &mut into.resources)
    }

    /// Runs a component, which changes what is there already.
    fn change(
        &self,
        directory: &str,
        entry: &Placed<String>,
        into: &mut Accumulated,
        trail: &mut Trail,
    ) -> Result<(), BuildError> {
        self.in_base(directory, entry, true, trail, |path, component, trail| {
            self.run(path, component, into, trail)?;
            into.resources.check_ids()
        })
    }

    /// Does something with the layer that an entry means, while it is entered; nothing before it was fetched.
    fn in_base(
        &self,
        directory: &str,
        entry: &Placed<String>,
        component: bool,
        trail: &mut Trail,
        work: impl FnOnce(&str, &Kustomization, &mut Trail) -> Result<(), BuildError>,
    ) -> Result<(), BuildError> {
        let before = trail.len();
        let base = self.base(directory, entry, component, trail);
        let base = base.map_err(|error| match component {
            true => error.while_("accumulating components"),
            false => error,
        });
        let done = base.and_then(|base| {
            let Some((path, layer)) = base else { return Ok(()) };
            work(&path, &layer, trail).map_err(|error| error.through(&entry.place))
        });
        trail.back_to(before);
        done
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
            self.chosen.choose(version, document, self.bounds.has_objects())
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

    /// Adds what an entry of `resources` means: the objects of a file, or the build of a directory; either may be remote.
    pub(crate) fn include(
        &self,
        directory: &str,
        entry: &Placed<String>,
        into: &mut Accumulated,
        trail: &mut Trail,
    ) -> Result<(), BuildError> {
        let Placed { value: text, place } = entry;
        let objects = if is_file_url(text) {
            match self.objects_at(directory, text, place)? {
                AtUrl::Objects(objects) => Some(objects),
                AtUrl::Absent => None,
                AtUrl::Unknown => return Ok(()),
            }
        } else {
            self.objects_in(directory, text).map_err(|error| error.at(place))?
        };
        if let Some(objects) = objects {
            return into.resources.extend(objects).map_err(|error| error.through(place));
        }
        self.in_base(directory, entry, false, trail, |path, base, trail| {
            let mut inner = Accumulated::default();
            self.run(path, base, &mut inner, trail)?;
            into.extend(inner)
        })
    }

    /// The objects of a file of the tree; nothing when no file is named so.
    fn objects_in(&self, directory: &str, name: &str) -> Result<Option<Vec<Resource>>, BuildError> {
        let Ok(path) = join(directory, name) else { return Ok(None) };
        if name.is_empty() || self.tree.kind(&path) != Some(EntryKind::File) {
            return Ok(None);
        }
        self.permit(directory, &path)?;
        let mut objects = objects::of_text(self, &self.text_of(&path)?, &path)?;
        for object in &mut objects {
            self.note(object, Origin::File(path.clone()));
        }
        Ok(Some(objects))
    }

    /// Notes where an object comes from.
    pub(crate) fn note(&self, object: &mut Resource, origin: Origin) {
        if self.keeps_notes.get() {
            object.make_annotations();
        }
        object.origin = Some(origin);
    }

    /// Where notes are kept, kustomize writes all annotations anew after each step.
    pub(crate) fn after_step(&self, resources: &mut Resources) {
        if self.keeps_notes.get() {
            for resource in resources.iter_mut() {
                resource.make_annotations();
                resource.rewrite_annotations();
            }
        }
    }

    /// The directory that an entry means and its kustomization, noted as entered; nothing before it was fetched.
    fn base(
        &self,
        directory: &str,
        entry: &Placed<String>,
        component: bool,
        trail: &mut Trail,
    ) -> Result<Option<(String, Kustomization)>, BuildError> {
        let path = match RepoSpec::parse(&entry.value) {
            Ok(spec) => self.enter(&entry.value, &spec, &entry.place, trail)?,
            Err(why) => Some(self.resolve(directory, entry, &why)?),
        };
        let Some(path) = path else { return Ok(None) };
        let base = self.descend(&path, entry, component, trail)?;
        Ok(Some((path, base)))
    }

    /// The path that an entry means, which exists.
    fn resolve(
        &self,
        directory: &str,
        entry: &Placed<String>,
        why: &str,
    ) -> Result<String, BuildError> {
        let text = entry.value.as_str();
        if text.is_empty() {
            return Err(BuildError::new("the path is empty").at(&entry.place));
        }
        let path = join(directory, text).map_err(|error| escape(&error).at(&entry.place))?;
        let real = self.tree.real(&path).map_err(|error| escape(&error).at(&entry.place))?;
        if self.tree.kind(&path).is_some() {
            return Ok(real);
        }
        if is_remote(text) {
            let message = format!("`{}` is remote and no URL of a base: {why}", shown(text));
            let hint = "write it as `https://<host>/<organisation>/<repository>//<directory>?ref=<revision>`";
            return Err(BuildError::new(message).at(&entry.place).hint(hint));
        }
        Err(missing(&self.tree, directory, text).at(&entry.place))
    }

    /// The kustomization of an included directory, which is noted as entered.
    fn descend(
        &self,
        path: &str,
        entry: &Placed<String>,
        component: bool,
        trail: &mut Trail,
    ) -> Result<Kustomization, BuildError> {
        trail.enter(path).map_err(|error| error.at(&entry.place))?;
        self.bounds.add_layer(trail.len()).map_err(|error| error.at(&entry.place))?;
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
            _ => Ok(found),
        }
    }

    /// The bytes of a file that is named in a directory, or by a URL.
    pub(crate) fn read(&self, directory: &str, path: &str) -> Result<Vec<u8>, BuildError> {
        if is_file_url(path) {
            return self.read_url(path);
        }
        let full = join(directory, path).map_err(|error| escape(&error))?;
        self.permit(directory, &full)?;
        let content = self.tree.read(&full).map_err(|error| match error {
            TreeError::NotFound(_) => missing(&self.tree, directory, path),
            other => BuildError::new(other.to_string()),
        })?;
        self.bounds.add_bytes(content.len())?;
        Ok(content)
    }

    /// Is there a file of that name?
    pub(crate) fn is_file(&self, directory: &str, path: &str) -> bool {
        let is_there = |path: String| self.tree.kind(&path) == Some(EntryKind::File);
        is_file_url(path) || join(directory, path).is_ok_and(is_there)
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
        let full = if is_file_url(path) {
            shown(path)
        } else {
            join(directory, path).map_err(|error| escape(&error))?
        };
        Ok((to_text(self.read(directory, path)?, &full)?, full))
    }

    /// The text of the file at a path.
    fn text_of(&self, path: &str) -> Result<String, BuildError> {
        let content = self.tree.read(path).map_err(|error| BuildError::new(error.to_string()))?;
        self.bounds.add_bytes(content.len())?;
        to_text(content, path)
    }
}

fn to_text(content: Vec<u8>, path: &str) -> Result<String, BuildError> {
    String::from_utf8(content).map_err(|_| BuildError::new(format!("`{path}` is not UTF-8 text")))
}

pub(crate) fn escape(error: &TreeError) -> BuildError {
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
