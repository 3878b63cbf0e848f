//! What may be applied now: the steps of a plan, and what each still waits for.

use std::collections::{BTreeSet, HashMap};

use capstan_model::ObjectId;
use capstan_plan::{ApplyStep, Because, Plan};

/// How an object came out, for what waits for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It is there, and as it must be for others to follow.
    Good,
    /// What needs it cannot go, for this reason.
    Bad(String),
}

/// The steps of a plan, of which some have ended.
pub(crate) struct Graph<'a> {
    steps: Vec<&'a ApplyStep>,
    places: HashMap<&'a ObjectId, usize>,
    /// What comes after each step, and why.
    after: Vec<Vec<(usize, Because)>>,
    /// How much each step still waits for.
    open: Vec<usize>,
    /// Why a step cannot go at all.
    held: Vec<Option<String>>,
    /// What may go now, in the order of the plan.
    ready: BTreeSet<usize>,
}

impl<'a> Graph<'a> {
    pub(crate) fn of(plan: &'a Plan) -> Self {
        let steps: Vec<_> = plan.steps().collect();
        let places: HashMap<_, _> = steps.iter().enumerate().map(|(at, s)| (&s.id, at)).collect();
        let (mut after, mut open) = (vec![Vec::new(); steps.len()], vec![0; steps.len()]);
        for edge in &plan.report.edges {
            if let (Some(&first), Some(&then)) = (places.get(&edge.before), places.get(&edge.after))
            {
                after[first].push((then, edge.because));
                open[then] += 1;
            }
        }
        let ready = (0..steps.len()).filter(|at| open[*at] == 0).collect();
        let held = vec![None; steps.len()];
        Self { steps, places, after, open, held, ready }
    }

    /// A step that may go now, or the reason why it never can; it must be ended by [`Graph::end`].
    pub(crate) fn next(&mut self) -> Option<(&'a ApplyStep, Option<String>)> {
        let at = self.ready.pop_first()?;
        Some((self.steps[at], self.held[at].take()))
    }

    /// Lets follow what waited for a step.
    pub(crate) fn end(&mut self, id: &ObjectId, end: &End) {
        let Some(&at) = self.places.get(id) else { return };
        for (then, because) in std::mem::take(&mut self.after[at]) {
            if let End::Bad(why) = end
                && because.is_needed()
            {
                self.held[then].get_or_insert_with(|| why.clone());
            }
            self.open[then] -= 1;
            if self.open[then] == 0 {
                self.ready.insert(then);
            }
        }
    }

    /// Does anything still wait for a step?
    pub(crate) fn is_awaited(&self, id: &ObjectId) -> bool {
        self.places.get(id).is_some_and(|&at| !self.after[at].is_empty())
    }

    /// Where a step stands in the plan.
    pub(crate) fn place(&self, id: &ObjectId) -> usize {
        self.places.get(id).copied().unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use capstan_model::{Manifest, ObjectId};
    use capstan_plan::{Input, Owner, Plan, Scope, Settings};
    use serde_json::json;

    use super::{End, Graph};

    /// Two namespaces, with a ConfigMap in each.
    fn plan() -> Plan {
        let object = |kind: &str, namespace: &str, name: &str| {
            let mut object = json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name}});
            if !namespace.is_empty() {
                object["metadata"]["namespace"] = namespace.into();
            }
            Manifest::try_from(object).expect("an object")
        };
        let input = Input {
            desired: vec![
                object("Namespace", "", "a"),
                object("Namespace", "", "b"),
                object("ConfigMap", "a", "x"),
                object("ConfigMap", "b", "x"),
            ],
            inventory: Vec::new(),
            prune: false,
            owner: Owner::default(),
            scopes: &|gvk| {
                if gvk.kind == "Namespace" { Scope::Cluster } else { Scope::Namespaced }
            },
            settings: Settings::default(),
        };
        capstan_plan::plan(input).expect("plannable")
    }

    fn id(text: &str) -> ObjectId {
        text.parse().expect("an id")
    }

    fn ready(graph: &mut Graph<'_>) -> Vec<(String, Option<String>)> {
        std::iter::from_fn(|| graph.next()).map(|(step, why)| (step.id.to_string(), why)).collect()
    }

    #[test]
    fn what_waits_for_one_does_not_hold_back_what_waits_for_another() {
        let plan = plan();
        let mut graph = Graph::of(&plan);
        let first = ready(&mut graph);
        assert_eq!(first, [("Namespace/a".into(), None), ("Namespace/b".into(), None)]);
        graph.end(&id("_b__Namespace"), &End::Good);
        assert_eq!(ready(&mut graph), [("ConfigMap/b/x".into(), None)]);
        assert!(graph.is_awaited(&id("_a__Namespace")));
        graph.end(&id("_a__Namespace"), &End::Bad("it goes".into()));
        assert_eq!(ready(&mut graph), [("ConfigMap/a/x".into(), Some("it goes".into()))]);
        assert!(!graph.is_awaited(&id("_a__Namespace")));
    }
}
