//! A revision that changes nothing that a unit's build read is applied already.

use std::sync::Arc;

use capstan_model::NamespacedName;
use capstan_tree::Tree as _;

use super::memory::{Done, Inputs, Memories, Phase, Reads};
use crate::source::Source;

/// What the last run did, as the run of another revision, where both come to the same.
pub(super) fn carried_over(done: &Done, inputs: &Inputs, source: &Source) -> Option<Done> {
    let Phase::Ready { places } = &done.phase else { return None };
    let same = Inputs { revision: done.inputs.revision.clone(), ..inputs.clone() };
    let reads = done.reads.as_ref()?;
    if same != done.inputs || inputs.revision == done.inputs.revision || touches(source, reads) {
        return None;
    }
    // The next revision is compared with this tree, which answers what was read in the same way.
    let reads = Some((source.tree.id("")?, Arc::clone(&reads.1)));
    let phase = Phase::Checking { places: places.clone(), timed_out: false };
    Some(Done { inputs: inputs.clone(), reads, phase, is_quiet: true, ..done.clone() })
}

/// May a revision change what a unit's last run read? It is so where nobody knows.
pub(crate) fn is_touched(memories: &Memories, unit: &NamespacedName, source: &Source) -> bool {
    memories.reads(unit).is_none_or(|reads| touches(source, &reads))
}

fn touches(source: &Source, (built, reads): &Reads) -> bool {
    let Some((before, changes)) = &source.since else { return true };
    before != built || reads.first_difference_in(changes, &source.tree).is_some()
}

/// The last run once more, because somebody asked: all is as it was, and watches say that nobody changed it since.
pub(super) fn asked_again(done: &Done, inputs: &Inputs) -> Option<Done> {
    let before = Inputs { requested_at: done.inputs.requested_at.clone(), ..inputs.clone() };
    let asked = before == done.inputs && inputs.requested_at != done.inputs.requested_at;
    if asked { again(done, inputs, false) } else { None }
}

/// The last run once more, because its interval is over.
pub(super) fn renewed(done: &Done, inputs: &Inputs, is_over: bool) -> Option<Done> {
    if is_over && done.inputs == *inputs { again(done, inputs, true) } else { None }
}

fn again(done: &Done, inputs: &Inputs, is_quiet: bool) -> Option<Done> {
    let Phase::Ready { places } = &done.phase else { return None };
    let phase = Phase::Checking { places: places.clone(), timed_out: false };
    Some(Done { inputs: inputs.clone(), phase, is_quiet, ..done.clone() })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use capstan_tree::{Changes, ContentId, Entry, EntryKind, MemTree, Recorder, Tree, TreeError};
    use tokio::time::Instant;

    use super::{Done, Inputs, Phase, Source, asked_again, carried_over, renewed};

    fn tree(files: &[(&str, &str)]) -> MemTree {
        files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect()
    }

    /// The n-th revision.
    fn revision(n: usize) -> String {
        format!("main@sha1:{n:040}")
    }

    /// The id of the tree of the n-th revision.
    fn id(n: usize) -> ContentId {
        ContentId::of([revision(n).as_bytes()])
    }

    fn inputs(n: usize) -> Inputs {
        Inputs {
            revision: revision(n),
            generation: 1,
            requested_at: None,
            variables: String::new(),
            keys: String::new(),
            target: String::new(),
        }
    }

    /// A unit that read `a/x` at the first revision.
    fn done() -> Done {
        let recorder = Recorder::new(tree(&[("a/x", "1"), ("b/y", "1")]));
        recorder.read("a/x").expect("is there");
        Done {
            inputs: inputs(1),
            at: Instant::now(),
            applied: Instant::now(),
            reads: Some((id(1), Arc::new(recorder.into_read_set()))),
            digest: None,
            phase: Phase::Ready { places: Vec::new() },
            is_quiet: false,
        }
    }

    /// The source at the second revision, after the first.
    fn source(files: &[(&str, &str)]) -> Source {
        let new = tree(files);
        let changes = Changes::between(&tree(&[("a/x", "1"), ("b/y", "1")]), &new);
        Source {
            revision: revision(2),
            generation: 1,
            digest: None,
            metadata: std::collections::BTreeMap::new(),
            tree: Arc::new(Known(new, id(2))),
            is_restored: false,
            since: Some((id(1), Arc::new(changes.expect("both can be read")))),
        }
    }

    #[test]
    fn a_revision_that_touches_nothing_of_a_unit_is_taken_over() {
        let source = source(&[("a/x", "1"), ("b/y", "2")]);
        let over = carried_over(&done(), &inputs(2), &source).expect("the same");
        assert_eq!(over.inputs, inputs(2));
        assert_eq!(over.phase, Phase::Checking { places: Vec::new(), timed_out: false });
    }

    /// A tree that knows its id, as one from Git does.
    struct Known(MemTree, ContentId);

    impl Tree for Known {
        fn read(&self, path: &str) -> Result<Vec<u8>, TreeError> {
            self.0.read(path)
        }

        fn list(&self, path: &str) -> Result<Vec<Entry>, TreeError> {
            self.0.list(path)
        }

        fn kind(&self, path: &str) -> Option<EntryKind> {
            self.0.kind(path)
        }

        fn id(&self, path: &str) -> Option<ContentId> {
            path.is_empty().then_some(self.1)
        }
    }

    #[test]
    fn one_revision_after_another_is_taken_over() {
        let second = source(&[("a/x", "1"), ("b/y", "2")]);
        let over = carried_over(&done(), &inputs(2), &second).expect("the same");
        let over = Done { phase: Phase::Ready { places: Vec::new() }, ..over };
        let new = tree(&[("a/x", "1"), ("b/y", "3")]);
        let changes = Changes::between(&second.tree, &new).expect("both can be read");
        let third = Source {
            revision: revision(3),
            tree: Arc::new(Known(new, id(3))),
            since: Some((id(2), Arc::new(changes))),
            ..second
        };
        assert!(carried_over(&over, &inputs(3), &third).is_some());
        assert!(carried_over(&done(), &inputs(3), &third).is_none(), "it was built from the first");
    }

    #[test]
    fn a_request_repeats_a_run_that_was_ready() {
        let asked = Inputs { requested_at: Some("now".into()), ..inputs(1) };
        let again = asked_again(&done(), &asked).expect("nothing else differs");
        assert_eq!(again.inputs, asked);
        assert!(asked_again(&done(), &inputs(1)).is_none(), "nobody asked");
        assert!(asked_again(&done(), &Inputs { generation: 2, ..asked.clone() }).is_none());
        let failed = Done { phase: Phase::Failed, ..done() };
        assert!(asked_again(&failed, &asked).is_none());
        assert!(renewed(&done(), &inputs(1), true).is_some());
        assert!(renewed(&done(), &inputs(1), false).is_none());
        assert!(renewed(&done(), &inputs(2), true).is_none());
    }

    #[test]
    fn everything_else_is_built() {
        let other = source(&[("a/x", "2"), ("b/y", "1")]);
        let same = source(&[("a/x", "1"), ("b/y", "2")]);
        let next = inputs(2);
        assert!(carried_over(&done(), &next, &other).is_none(), "it was read");
        let edited = Inputs { generation: 2, ..next.clone() };
        assert!(carried_over(&done(), &edited, &same).is_none(), "the unit changed too");
        let failed = Done { phase: Phase::Failed, ..done() };
        assert!(carried_over(&failed, &next, &same).is_none(), "there is nothing to take over");
        let older = Done { reads: done().reads.map(|(_, reads)| (id(0), reads)), ..done() };
        assert!(carried_over(&older, &next, &same).is_none(), "it was built from another tree");
        assert!(carried_over(&done(), &inputs(1), &same).is_none(), "it is no new revision");
        let alone = Source { since: None, ..same };
        assert!(carried_over(&done(), &next, &alone).is_none(), "nobody knows what changed");
    }
}
