use capstan_build::{Options, render};
use capstan_tree::MemTree;

use super::Subject;
use crate::random::Random;

pub(super) struct JsonPatch;

const PATHS: &[&str] = &[
    "",
    "/",
    "//",
    "/spec",
    "/spec/list",
    "/spec/list/0",
    "/spec/list/-",
    "/spec/list/-1",
    "/spec/list/9",
    "/spec/list/x",
    "/spec/list/01",
    "/spec/map/a~1b",
    "/spec/map/~0",
    "/spec/map/~",
    "/spec/none",
    "/spec/none/deep",
    "/metadata",
    "/metadata/name",
    "/metadata/annotations/a",
    "/kind",
    "spec",
    "x/spec",
    "/spec/list/99999999999999999999",
    "/spec/list/-99999999999999999999",
];
const VALUES: &[&str] = &["1", "\"x\"", "null", "{}", "[]", "{\"a\": [1]}", "1.5", "true"];

impl Subject for JsonPatch {
    fn text(&self, random: &mut Random) -> String {
        let mut operations = Vec::new();
        for _ in 0..random.below(5) {
            let op = random.pick(&["add", "remove", "replace", "move", "copy", "test", "bogus"]);
            let (path, from) = (random.pick(PATHS), random.pick(PATHS));
            let value = random.pick(VALUES);
            let mut fields = vec![format!("\"op\": \"{op}\""), format!("\"path\": \"{path}\"")];
            if random.one_in(2) {
                fields.push(format!("\"from\": \"{from}\""));
            }
            if !random.one_in(4) {
                fields.push(format!("\"value\": {value}"));
            }
            if random.one_in(12) {
                fields.remove(random.below(fields.len()));
            }
            operations.push(format!("{{{}}}", fields.join(", ")));
        }
        format!("[{}]", operations.join(", "))
    }

    fn check(&self, text: &str) -> Result<(), String> {
        let object = "apiVersion: v1\nkind: Thing\nmetadata: {name: x}\nspec: {list: [1, {a: 2}, c], map: {a/b: 1, '~': 2}}\n";
        let layer = "resources: [r.yaml]\npatches: [{target: {kind: Thing}, path: patch.json}]\n";
        let files = [("kustomization.yaml", layer), ("r.yaml", object), ("patch.json", text)];
        let tree: MemTree =
            files.map(|(path, text)| (path.to_owned(), text.into())).into_iter().collect();
        let (once, again) = (render(&tree, "", Options::FLUX), render(&tree, "", Options::FLUX));
        match (once, again) {
            (Ok(once), Ok(again)) if once == again => Ok(()),
            (Err(_), Err(_)) => Ok(()),
            _ => Err("two builds of the same differ".to_owned()),
        }
    }
}
