//! Builds that name remote bases: what they need, what they do with it, and what they refuse.

use std::collections::BTreeMap;
use std::sync::Arc;

use capstan_build::{
    BuildError, Built, Fetched, Options, Overlay, Remote, Remotes, build, build_with, render_with,
};
use capstan_tree::{Entry, EntryKind, MemTree, Tree, TreeError, follow};

fn map(name: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n")
}

fn tree(files: &[(&str, &str)]) -> MemTree {
    let file = |(path, text): &(&str, &str)| {
        // `=name` stands for an object of that name.
        let text = text.strip_prefix('=').map_or_else(|| (*text).to_owned(), map);
        ((*path).to_owned(), text.into_bytes())
    };
    files.iter().map(file).collect()
}

/// What is where: repositories by URL and revision, files by URL.
#[derive(Default)]
struct World {
    found: BTreeMap<String, Fetched>,
    /// What was asked for, one list a round.
    rounds: Vec<Vec<String>>,
}

impl World {
    fn repository(mut self, name: &str, files: &[(&str, &str)]) -> Self {
        self.found.insert(name.to_owned(), Fetched::Tree(Arc::new(tree(files))));
        self
    }

    fn file(mut self, url: &str, text: &str) -> Self {
        self.found.insert(url.to_owned(), Fetched::File(text.as_bytes().to_vec()));
        self
    }

    fn look(&self, remote: &Remote) -> Fetched {
        let found = self.found.get(&remote.to_string()).cloned();
        match (remote, found) {
            (Remote::File(_), found @ Some(Fetched::File(_))) => found.expect("matched"),
            (Remote::File(_), _) => Fetched::Absent,
            (Remote::Repository(_), Some(found)) => found,
            (Remote::Repository(_), None) => panic!("nobody has {remote}"),
        }
    }

    fn run<T>(
        &mut self,
        mut build: impl FnMut(&Remotes) -> Result<Built<T>, BuildError>,
    ) -> Result<T, BuildError> {
        let mut remotes = Remotes::default();
        loop {
            match build(&remotes)? {
                Built::Done(done) => return Ok(done),
                Built::Needs(needs) => {
                    self.rounds.push(needs.iter().map(|need| need.remote.to_string()).collect());
                    assert!(self.rounds.len() < 10, "{:?}", self.rounds);
                    for need in needs {
                        let found = self.look(&need.remote);
                        if let (Fetched::Absent, Some(instead)) = (&found, need.instead) {
                            let instead = Remote::Repository(instead);
                            if !remotes.holds(&instead) {
                                let found = self.look(&instead);
                                remotes.insert(instead, found);
                            }
                        }
                        remotes.insert(need.remote, found);
                    }
                }
            }
        }
    }

    fn render_with(
        &mut self,
        files: &[(&str, &str)],
        options: Options,
    ) -> Result<String, BuildError> {
        let tree = tree(files);
        self.run(|remotes| render_with(&tree, "a", options, remotes))
    }

    fn render(&mut self, files: &[(&str, &str)]) -> Result<String, BuildError> {
        self.render_with(files, Options { legacy_order: false, ..Options::KUSTOMIZE })
    }

    fn names(&mut self, files: &[(&str, &str)]) -> Vec<String> {
        let text = self.render(files).expect("a build");
        text.lines().filter_map(|line| line.strip_prefix("  name: ")).map(str::to_owned).collect()
    }

    fn refused(&mut self, files: &[(&str, &str)]) -> String {
        let error = self.render(files).expect_err("a build that must fail");
        assert!(!error.to_string().contains('\0'), "{error:?}");
        assert!(!error.hint.as_deref().unwrap_or_default().contains('\0'), "{error:?}");
        error.to_string()
    }
}

const REPO: &str = "https://h/o/r";
const KUSTOMIZATION: &str = "a/kustomization.yaml";

#[test]
fn bases_files_and_components_are_needed_all_at_once() {
    let mut world = World::default()
        .repository(
            "https://h/o/r?ref=v1",
            &[
                ("over/kustomization.yaml", "resources: [../base]\nnamePrefix: p-\n"),
                ("base/kustomization.yaml", "resources: [x.yaml]\n"),
                ("base/x.yaml", "=x"),
            ],
        )
        .repository(
            "https://github.com/o/c",
            &[("kustomization.yaml", "kind: Component\nnameSuffix: -c\n")],
        )
        .file("https://h/file.yaml", &map("f"))
        .file("https://h/a/literal.txt", "text");
    let text = "\
resources:
- https://h/o/r//over?ref=v1
- https://h/file.yaml
- ../local
components: [github.com/o/c]
configMapGenerator:
- {name: g, files: ['k=https://h/a/literal.txt'], options: {disableNameSuffixHash: true}}
";
    let local = "resources: [\"git::https://h/o/r//base?ref=v1\"]\nnamePrefix: l-\n";
    let names = world.names(&[(KUSTOMIZATION, text), ("local/kustomization.yaml", local)]);
    assert_eq!(names, ["p-x-c", "f-c", "l-x-c", "g-c"]);
    let first = [
        "https://h/o/r//over?ref=v1",
        "https://h/file.yaml",
        "https://h/o/r?ref=v1",
        "https://h/a/literal.txt",
        "https://github.com/o/c",
    ];
    assert_eq!(world.rounds, [first]);
}

#[test]
fn a_url_is_that_of_a_file_before_it_is_that_of_a_repository() {
    let mut world = World::default().file("https://h/o/r/x.yaml", &map("file")).repository(
        REPO,
        &[("x.yaml/kustomization.yaml", "resources: [y.yaml]\n"), ("x.yaml/y.yaml", "=base")],
    );
    assert_eq!(world.names(&[(KUSTOMIZATION, "resources: [https://h/o/r/x.yaml]")]), ["file"]);
    world.found.remove("https://h/o/r/x.yaml");
    assert_eq!(world.names(&[(KUSTOMIZATION, "resources: [https://h/o/r/x.yaml]")]), ["base"]);
    assert_eq!(world.rounds.len(), 2, "the repository came with the answer that there is no file");
    let said = world.refused(&[(KUSTOMIZATION, "resources: [https://h/x.yaml]")]);
    assert!(said.contains("there is no file at `https://h/x.yaml`"), "{said}");
    // A file of the tree comes before both.
    let local = [(KUSTOMIZATION, "resources: [github.com/o/r]"), ("a/github.com/o/r", "=local")];
    assert_eq!(World::default().names(&local), ["local"]);
}

#[test]
fn remote_bases_have_remote_bases() {
    let mut world = World::default()
        .repository(
            "https://h/o/r",
            &[("kustomization.yaml", "resources: [https://h/o/s//d, x.yaml]\n"), ("x.yaml", "=x")],
        )
        .repository(
            "https://h/o/s",
            &[
                ("d/kustomization.yaml", "resources: [../e]\n"),
                ("e/kustomization.yaml", "resources: [y.yaml]\n"),
                ("e/y.yaml", "=yy"),
            ],
        );
    assert_eq!(world.names(&[(KUSTOMIZATION, "resources: [https://h/o/r]")]), ["yy", "x"]);
    assert_eq!(world.rounds.len(), 2);
}

#[test]
fn nothing_of_the_host_is_reached() {
    for options in [Options::KUSTOMIZE, Options::FLUX] {
        for (field, words) in [
            ("resources: [../a/secret.yaml]", "doesn't exist"),
            ("resources: [../../a]", "leads out of the source tree"),
            ("resources: [../../../../../etc/passwd]", "leads out of the source tree"),
            ("resources: [/etc/passwd]", "leads out of the source tree"),
            ("resources: [\"\\0\\x30\\0/secret.yaml\"]", ""),
            ("components: [../..]", "leads out of the source tree"),
            ("configMapGenerator: [{name: g, files: [../../a/secret.yaml]}]", "leads out"),
            ("configMapGenerator: [{name: g, envs: [../x.env]}]", "security; file"),
            ("patches: [{path: ../../a/secret.yaml}]", "leads out"),
            ("crds: [../../a/secret.yaml]", "leads out"),
            ("openapi: {path: ../../a/secret.yaml}", "leads out"),
            ("transformers: [../../a]", "leads out"),
        ] {
            let mut world = World::default().repository(
                REPO,
                &[("d/kustomization.yaml", field), ("x.env", "k=v"), ("x.yaml", "=x")],
            );
            let host = [
                (KUSTOMIZATION, "resources: [https://h/o/r//d]"),
                ("a/secret.yaml", "=secret"),
                ("secret.yaml", "=secret"),
            ];
            let error = world.render_with(&host, options).expect_err(field);
            let said = error.to_string();
            assert!(said.contains(words), "{field}: {said}");
            assert!(said.contains("https://h/o/r//d/kustomization.yaml"), "{field}: {said}");
            assert!(said.contains("included by a/kustomization.yaml:1"), "{field}: {said}");
            assert!(!said.contains('\0') || field.contains("\\0"), "{field}: {said:?}");
        }
    }
    for url in ["https://h/o/r//../x", "https://h/o/r//d/../../x?ref=v1", "github.com/o/r//.."] {
        let said = World::default().refused(&[(KUSTOMIZATION, &format!("components: ['{url}']"))]);
        assert!(said.contains("exits repo") || said.contains("doesn't exist"), "{said}");
    }
    // A name with NUL is no way into a tree that was fetched for somebody else.
    let sneaky = "resources: [https://h/o/r, \"\\0\\x30.\\0/x.yaml\"]";
    let mut world = World::default()
        .repository(REPO, &[("kustomization.yaml", "resources: [x.yaml]"), ("x.yaml", "=x")]);
    assert!(world.render(&[(KUSTOMIZATION, sneaky)]).is_err());
}

/// A tree whose one link leads where it says.
struct Linked(MemTree, &'static str, &'static str);

impl Tree for Linked {
    fn read(&self, path: &str) -> Result<Vec<u8>, TreeError> {
        self.0.read(&self.real(path)?)
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>, TreeError> {
        self.0.list(&self.real(path)?)
    }

    fn kind(&self, path: &str) -> Option<EntryKind> {
        self.0.kind(&self.real(path).ok()?)
    }

    fn real(&self, path: &str) -> Result<String, TreeError> {
        follow(path, |at| Ok((at == self.1).then(|| self.2.to_owned())))
    }
}

#[test]
fn links_in_a_remote_base_stay_in_it() {
    let base = |from, to| {
        let files = [
            ("d/kustomization.yaml", "resources: [link]\n"),
            ("e/kustomization.yaml", "resources: [../f, y.yaml]\n"),
            ("e/y.yaml", "=yy"),
            ("f/kustomization.yaml", "resources: [z.yaml]\n"),
            ("f/z.yaml", "=z"),
        ];
        let mut world = World::default();
        let linked = Linked(tree(&files), from, to);
        world.found.insert(REPO.to_owned(), Fetched::Tree(Arc::new(linked)));
        world
    };
    let host = [(KUSTOMIZATION, "resources: [https://h/o/r//d]"), ("etc/passwd", "=secret")];
    // What a linked directory names lies beside the directory, not beside the link.
    assert_eq!(base("d/link", "../e").names(&host), ["z", "yy"]);
    for to in ["../../etc/passwd", "/etc/passwd", "../.."] {
        let said = base("d/link", to).refused(&host);
        assert!(said.contains("leads out of the source tree"), "{said}");
    }
    let said = base("d/link", "../e/y.yaml").refused(&host);
    assert!(said.contains("security; file"), "{said}");
    let said = base("d", "../a").refused(&host);
    assert!(said.contains("leads out of the source tree"), "{said}");
}

#[test]
fn cycles_are_errors() {
    for (first, second) in [
        ("https://h/o/r//d", "https://h/o/r//d"),
        ("https://h/o/r//d?ref=v1", "https://h/o/r//d?ref=v1"),
        // kustomize takes a beginning for the whole.
        ("https://h/o/r//d?ref=v1", "https://h/o/r//d"),
    ] {
        let inner = format!("resources: ['{second}']");
        let files = [("d/kustomization.yaml", inner.as_str())];
        let mut world =
            World::default().repository(REPO, &files).repository("https://h/o/r?ref=v1", &files);
        let said = world.refused(&[(KUSTOMIZATION, &format!("resources: ['{first}']"))]);
        assert!(said.contains("cycle: `a` -> `https://h/o/r//d"), "{said}");
    }
    let mut world = World::default()
        .repository(REPO, &[("kustomization.yaml", "resources: [https://h/o/s]")])
        .repository("https://h/o/s", &[("kustomization.yaml", "resources: [https://h/o/r]")]);
    let said = world.refused(&[(KUSTOMIZATION, "resources: [https://h/o/r]")]);
    assert!(said.contains("cycle: `a` -> `https://h/o/r` -> "), "{said}");
    // The same base twice, side by side, is none; neither is another directory of the same repository.
    let mut world = World::default().repository(
        REPO,
        &[
            ("d/kustomization.yaml", "resources: ['https://h/o/r//e']\n"),
            ("e/kustomization.yaml", "resources: [x.yaml]\n"),
            ("e/x.yaml", "=x"),
        ],
    );
    let twice = "resources: [https://h/o/r//d, ../b]";
    let files = [
        (KUSTOMIZATION, twice),
        ("b/kustomization.yaml", "namePrefix: b-\nresources: [https://h/o/r//e]\n"),
    ];
    assert_eq!(world.names(&files), ["x", "b-x"]);
}

#[test]
fn off_is_off() {
    for entry in [
        "https://me:hunter2@h/o/r?token=hunter3",
        "git@h:o/r",
        "github.com/o/r",
        "ssh://h/o/r",
        "file:///o/r",
        "git::https://h/o/r",
        "http://169.254.169.254/latest/meta-data",
    ] {
        for text in [format!("resources: ['{entry}']"), format!("components: ['{entry}']")] {
            let files = tree(&[(KUSTOMIZATION, &text)]);
            let error = build(&files, "a", &Overlay::default(), Options::FLUX).expect_err("off");
            let said = format!("{error} {:?}", error.hint);
            assert!(said.starts_with("a/kustomization.yaml:1: accumulating "), "{said}");
            assert!(said.contains("is remote, and remote bases are off"), "{said}");
            assert!(said.contains("--no-remote-bases") && !said.contains("hunter"), "{said}");
        }
    }
    let text = "configMapGenerator: [{name: g, files: ['k=https://h/x']}]";
    let error = build(&tree(&[(KUSTOMIZATION, text)]), "a", &Overlay::default(), Options::FLUX);
    assert!(error.expect_err("off").to_string().contains("remote bases are off"));
}

#[test]
fn other_schemes_are_named() {
    for (entry, words) in [
        ("oci://h/o/r", "`oci://h/o/r` is remote and no URL of a base: failed to parse scheme"),
        ("s3::https://h/o/r", "`s3::https://h/o/r` is remote and no URL of a base"),
    ] {
        let said = World::default().refused(&[(KUSTOMIZATION, &format!("resources: ['{entry}']"))]);
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn faults_in_remote_bases_say_where_and_print_no_password() {
    let url = "https://me:hunter2@h/o/r//d?ref=v1&key=hunter3";
    let host = format!("resources: ['{url}']");
    for (files, words) in [
        (
            vec![("d/kustomization.yaml", "resources: [x.yaml]\nbogus: 1\n")],
            "https://h/o/r//d/kustomization.yaml:2: ",
        ),
        (
            vec![("d/kustomization.yaml", "resources: [x.yaml]\n"), ("d/x.yaml", "a: [")],
            "https://h/o/r//d/x.yaml:",
        ),
        (
            vec![("d/kustomization.yaml", "resources: [missing.yaml]\n")],
            "'https://h/o/r//d/missing.yaml' doesn't exist",
        ),
        (vec![("e/kustomization.yaml", "")], "'https://h/o/r//d' doesn't exist"),
        (vec![("d/y.yaml", "")], "in directory 'https://h/o/r//d'"),
    ] {
        let mut world = World::default().repository("https://h/o/r?ref=v1", &files);
        let said = world.refused(&[(KUSTOMIZATION, &host)]);
        assert!(said.contains(words), "{said}");
        assert!(!said.contains("hunter"), "{said}");
        assert!(!format!("{:?}", world.rounds).contains("hunter"));
    }
    let files = tree(&[(KUSTOMIZATION, &host)]);
    let needs = render_with(&files, "a", Options::FLUX, &Remotes::default());
    assert!(!format!("{needs:?}").contains("hunter"), "{needs:?}");
}

#[test]
fn what_comes_after_a_missing_base_waits() {
    // The patch has no object, and the generator nothing to merge into, before the base is there.
    let text = "\
resources: [https://h/o/r]
configMapGenerator: [{name: x, behavior: merge, literals: [a=b], options: {disableNameSuffixHash: true}}]
patches:
- patch: '{apiVersion: v1, kind: ConfigMap, metadata: {name: x, labels: {p: q}}}'
";
    let mut world = World::default()
        .repository(REPO, &[("kustomization.yaml", "configMapGenerator: [{name: x, literals: [c=d], options: {disableNameSuffixHash: true}}]\n")]);
    let built = world.render(&[(KUSTOMIZATION, text)]).expect("a build");
    assert!(built.contains("a: b") && built.contains("c: d") && built.contains("p: q"), "{built}");
}

#[test]
fn origins_name_repository_and_revision() {
    let mut world = World::default()
        .repository(
            "https://h/o/r?ref=v1",
            &[
                ("over/kustomization.yaml", "resources: [../base]\nnamePrefix: p-\n"),
                ("base/kustomization.yaml", "resources: [x.yaml]\n"),
                ("base/x.yaml", "=x"),
                ("kustomization.yaml", "resources: [base]\nnameSuffix: -r\n"),
            ],
        )
        .file("http://h/y.yaml", &map("yy"))
        .file("http://h/sub/s.yaml", &map("s"));
    let text = "\
resources:
- https://me:hunter2@h/o/r//over?ref=v1
- https://h/o/r?ref=v1
- http://h/y.yaml
- http://h/sub/s.yaml
buildMetadata: [originAnnotations, transformerAnnotations]
";
    let built = world.render(&[(KUSTOMIZATION, text)]).expect("a build");
    let expected = "\
apiVersion: v1
kind: ConfigMap
metadata:
  annotations:
    alpha.config.kubernetes.io/transformations: |
      - repo: https://h/o/r
        ref: v1
        configuredIn: over/kustomization.yaml
        configuredBy:
          apiVersion: builtin
          kind: PrefixTransformer
    config.kubernetes.io/origin: |
      path: base/x.yaml
      repo: https://h/o/r
      ref: v1
  name: p-x
---
apiVersion: v1
kind: ConfigMap
metadata:
  annotations:
    alpha.config.kubernetes.io/transformations: |
      - repo: https://h/o/r
        ref: v1
        configuredIn: notCloned/kustomization.yaml
        configuredBy:
          apiVersion: builtin
          kind: SuffixTransformer
    config.kubernetes.io/origin: |
      path: notCloned/base/x.yaml
      repo: https://h/o/r
      ref: v1
  name: x-r
---
apiVersion: v1
kind: ConfigMap
metadata:
  annotations:
    config.kubernetes.io/origin: |
      path: http:/h/y.yaml
  name: yy
---
apiVersion: v1
kind: ConfigMap
metadata:
  annotations:
    config.kubernetes.io/origin: |
      path: notCloned
      repo: http://h/sub/s.yaml
  name: s
";
    assert_eq!(built, expected);
}

#[test]
fn a_flux_build_takes_remote_bases_too() {
    let files =
        tree(&[("a/x.yaml", "=x"), ("a/b/kustomization.yaml", "resources: [github.com/o/r]")]);
    let built = build_with(&files, "a", &Overlay::default(), Options::FLUX, &Remotes::default());
    let Ok(Built::Needs(needs)) = built else { panic!("{built:?}") };
    assert_eq!(needs.len(), 1);
    assert_eq!(needs[0].place.to_string(), "a/b/kustomization.yaml:1");
    assert_eq!(needs[0].remote.to_string(), "https://github.com/o/r");
}
