//! The lifecycle against a small cloud that can lose answers, hide what it made, and a process that dies at any moment.

use std::time::Duration;

use capstan_cloud::{Class, CloudError};
use capstan_model::Manifest;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::decide::{
    AfterRefusal, Done, Facts, Look, Ready, Rest, Seen, Sight, Step, Synced, after_failed_create,
    decide,
};
use crate::graph::{Hold, Topic};
use crate::kind::{CreateClass, Drift, InitialName, KindMeta, Owner, State};
use crate::managed::Managed;
use crate::names;
use crate::testing::{merge, object};

const WINDOW: Duration = Duration::from_secs(120);
/// How long the cloud hides what it made: longer than a pass, shorter than the window.
const HIDDEN: SignedDuration = SignedDuration::from_secs(60);

#[derive(Clone, Debug)]
struct Resource {
    id: String,
    owner: String,
    token: String,
    born: Timestamp,
}

/// The process died.
#[derive(Debug)]
struct Crash;

struct Sim {
    meta: KindMeta,
    object: Option<Value>,
    resources: Vec<Resource>,
    creates: usize,
    now: Timestamp,
    ticks: usize,
    crash_at: usize,
    lose_answers: usize,
    hidden: SignedDuration,
}

impl Sim {
    fn new(create: CreateClass, initial: InitialName) -> Self {
        Self {
            meta: KindMeta {
                group: "test.aws.crossplane.io",
                version: "v1",
                kind: "Thing",
                plural: "things",
                create,
                initial_external_name: initial,
            },
            object: Some(object(json!({})).into_value()),
            resources: Vec::new(),
            creates: 0,
            now: "2026-01-01T00:00:00Z".parse().expect("a time"),
            ticks: 0,
            crash_at: usize::MAX,
            lose_answers: 0,
            hidden: SignedDuration::ZERO,
        }
    }

    /// A moment at which the process may die.
    fn tick(&mut self) -> Result<(), Crash> {
        self.ticks += 1;
        if self.ticks == self.crash_at { Err(Crash) } else { Ok(()) }
    }

    fn manifest(&self) -> Manifest {
        Manifest::try_from(self.object.clone().expect("exists")).expect("valid")
    }

    fn write(&mut self, patch: Value) -> Result<(), Crash> {
        self.tick()?;
        merge(self.object.as_mut().expect("exists"), patch);
        self.tick()
    }

    fn find(&self, id: Option<&str>) -> Option<&Resource> {
        let named = self.meta.create == CreateClass::Named;
        let shown =
            |resource: &&Resource| named || self.now.duration_since(resource.born) >= self.hidden;
        self.resources.iter().filter(shown).find(|resource| match id {
            Some(id) => resource.id == id,
            None => resource.owner == "uid-a",
        })
    }

    fn look(&self) -> Sight {
        let manifest = self.manifest();
        match self.find(Managed(&manifest).external_name()) {
            None => Sight::Absent,
            Some(resource) => Sight::Present(Seen {
                state: State::Ready,
                diff: Vec::new(),
                owner: Owner::Uid(resource.owner.clone()),
                created_at: Some(resource.born),
                external_name: Some(resource.id.clone()),
            }),
        }
    }

    /// The service's side of a create.
    fn create(&mut self) -> Result<String, CloudError> {
        let manifest = self.manifest();
        let managed = Managed(&manifest);
        let token = managed.pending_text().to_owned();
        let error = |class| CloudError::new("test", "Create", class, "");
        match self.meta.create {
            CreateClass::Named => {
                let name = managed.external_name().unwrap_or("a").to_owned();
                if self.resources.iter().any(|resource| resource.id == name) {
                    return Err(error(Class::Exists));
                }
                self.make(name, token);
            }
            CreateClass::Token => {
                if !self.resources.iter().any(|resource| resource.token == token) {
                    self.make(format!("id-{}", self.creates), token.clone());
                }
            }
            CreateClass::Tagged => self.make(format!("id-{}", self.creates), token.clone()),
        }
        if self.lose_answers > 0 {
            self.lose_answers -= 1;
            return Err(error(Class::Unanswered));
        }
        let made = self.resources.iter().rev().find(|resource| {
            self.meta.create != CreateClass::Token || resource.token == managed.pending_text()
        });
        Ok(made.expect("made above").id.clone())
    }

    fn make(&mut self, id: String, token: String) {
        self.creates += 1;
        self.resources.push(Resource { id, owner: "uid-a".to_owned(), token, born: self.now });
    }

    fn annotate(&mut self, annotations: &Value) -> Result<(), Crash> {
        self.write(json!({"metadata": {"annotations": annotations}}))
    }

    /// One pass, as `pass::run` makes it.
    fn pass(&mut self) -> Result<Option<Rest>, Crash> {
        let (mut sight, mut done) = (Sight::NotLooked, Done::default());
        for _ in 0..20 {
            let manifest = self.manifest();
            let managed = Managed(&manifest);
            let step = decide(&Facts {
                object: managed,
                meta: &self.meta,
                now: self.now,
                window: WINDOW,
                missing: None,
                unready: None,
                blocker: None,
                sight: &sight,
                done,
            });
            match step {
                Step::Initialise => {
                    self.write(json!({"metadata": {"finalizers": [names::FINALIZER]}}))?;
                    if self.meta.initial_external_name == InitialName::MetadataName {
                        self.annotate(&json!({names::EXTERNAL_NAME: "a"}))?;
                    }
                }
                Step::Observe => sight = self.look(),
                Step::RecordIntent { forget } => {
                    let at = managed.next_intent(self.now).to_string();
                    let mut marks = json!({names::CREATE_PENDING: at});
                    if forget {
                        marks[names::EXTERNAL_NAME] = Value::Null;
                        sight = Sight::NotLooked;
                    }
                    self.annotate(&marks)?;
                    done.intended = true;
                }
                Step::Create => {
                    done.intended = false;
                    self.tick()?;
                    let created = self.create();
                    self.tick()?;
                    match created {
                        Ok(id) => {
                            sight = Sight::NotLooked;
                            self.record_created(&id)?;
                        }
                        Err(error) => match after_failed_create(self.meta.create, &error) {
                            AfterRefusal::Look => sight = Sight::NotLooked,
                            AfterRefusal::KeepIntent | AfterRefusal::RecordFailed => {
                                return Ok(None);
                            }
                        },
                    }
                }
                Step::RecordCreated { external_name } => {
                    sight = Sight::NotLooked;
                    let id = external_name.expect("the sim always tells it");
                    self.record_created(&id)?;
                }
                Step::RecordFailed => {
                    let at = managed.next_intent(self.now).to_string();
                    self.annotate(&json!({names::CREATE_FAILED: at}))?;
                }
                Step::Update => panic!("nothing drifts here"),
                Step::Delete => {
                    self.tick()?;
                    let id = managed.external_name().map(str::to_owned).or(match &sight {
                        Sight::Present(seen) => seen.external_name.clone(),
                        _ => None,
                    });
                    self.resources.retain(|resource| Some(&resource.id) != id.as_ref());
                    self.tick()?;
                    done.deleted = true;
                    sight = Sight::NotLooked;
                }
                Step::RemoveFinalizer => {
                    self.tick()?;
                    self.object = None;
                    return Ok(None);
                }
                Step::Rest(rest) => {
                    if matches!(sight, Sight::Present(_)) {
                        self.write(json!({"status": {"atProvider": {"seen": true}}}))?;
                    }
                    return Ok(Some(rest));
                }
            }
        }
        panic!("a pass went round in a circle");
    }

    fn record_created(&mut self, id: &str) -> Result<(), Crash> {
        let manifest = self.manifest();
        let pending: Option<Timestamp> = Managed(&manifest).pending_text().parse().ok();
        let at = pending.map_or(self.now, |pending| pending.max(self.now));
        self.annotate(&json!({names::CREATE_SUCCEEDED: at.to_string(), names::EXTERNAL_NAME: id}))
    }

    /// Passes, a second apart and across restarts, until the wanted end.
    fn until(&mut self, what: &str, end: impl Fn(&Self, Option<&Rest>) -> bool) {
        for _ in 0..400 {
            if let Ok(rest) = self.pass()
                && end(self, rest.as_ref())
            {
                return;
            }
            if self.object.is_none() {
                break;
            }
            self.now = self.now.saturating_add(SignedDuration::from_secs(1)).expect("in range");
        }
        panic!("{:?} never got to: {what}", self.meta.create);
    }

    fn until_ready(&mut self) {
        self.until("ready", |_, rest| rest.is_some_and(|rest| rest.ready == Ready::Available));
    }

    /// The API server's side of a deletion: without a finalizer the object is gone at once.
    fn delete(&mut self) {
        if !Managed(&self.manifest()).has_finalizer(names::FINALIZER) {
            self.object = None;
            return;
        }
        let object = self.object.as_mut().expect("exists");
        merge(object, json!({"metadata": {"deletionTimestamp": self.now.to_string()}}));
    }

    fn until_gone(&mut self) {
        for _ in 0..400 {
            if self.object.is_none() {
                return;
            }
            // A crash, too, is followed by another pass.
            let _ = self.pass();
            self.now = self.now.saturating_add(SignedDuration::from_secs(1)).expect("in range");
        }
        panic!("{:?} was never let go", self.meta.create);
    }
}

const CLASSES: [(CreateClass, InitialName); 4] = [
    (CreateClass::Named, InitialName::MetadataName),
    (CreateClass::Named, InitialName::None),
    (CreateClass::Token, InitialName::None),
    (CreateClass::Tagged, InitialName::None),
];

/// Runs a story once without a crash to count its moments, then once for each moment with a crash there.
fn at_every_moment(story: impl Fn(&mut Sim)) {
    for (create, initial) in CLASSES {
        for hidden in [SignedDuration::ZERO, HIDDEN] {
            let fresh = || Sim { hidden, ..Sim::new(create, initial) };
            let mut calm = fresh();
            story(&mut calm);
            for moment in 1..=calm.ticks {
                let mut sim = Sim { crash_at: moment, ..fresh() };
                story(&mut sim);
            }
        }
    }
}

#[test]
fn at_most_one_create_whatever_crashes() {
    at_every_moment(|sim| {
        sim.until_ready();
        assert_eq!(
            (sim.creates, sim.resources.len()),
            (1, 1),
            "{:?} {}",
            sim.meta.create,
            sim.crash_at
        );
    });
}

#[test]
fn a_lost_answer_is_no_second_create() {
    at_every_moment(|sim| {
        sim.lose_answers = 2;
        sim.until_ready();
        assert_eq!(sim.creates, 1, "{:?} {}", sim.meta.create, sim.crash_at);
    });
}

#[test]
fn nothing_is_left_after_a_deletion_at_any_moment() {
    at_every_moment(|sim| {
        // The first pass may die anywhere; then the object is deleted.
        let _ = sim.pass();
        sim.delete();
        sim.until_gone();
        assert!(sim.resources.is_empty(), "{:?} {}: leaked", sim.meta.create, sim.crash_at);
    });
}

#[test]
fn what_somebody_deletes_is_made_again_under_a_new_intent() {
    for (create, initial) in CLASSES {
        let mut sim = Sim::new(create, initial);
        sim.until_ready();
        let first = sim.resources.remove(0);
        sim.now = sim.now.saturating_add(SignedDuration::from_secs(600)).expect("in range");
        sim.until_ready();
        assert_eq!((sim.creates, sim.resources.len()), (2, 1));
        assert_ne!(sim.resources[0].token, first.token);
    }
}

fn facts<'a>(object: &'a Manifest, meta: &'a KindMeta, sight: &'a Sight) -> Facts<'a> {
    Facts {
        object: Managed(object),
        meta,
        now: "2026-01-01T01:00:00Z".parse().expect("a time"),
        window: WINDOW,
        missing: None,
        unready: None,
        blocker: None,
        sight,
        done: Done::default(),
    }
}

fn meta() -> KindMeta {
    Sim::new(CreateClass::Named, InitialName::MetadataName).meta
}

fn managed(parts: Value) -> Manifest {
    let mut value = json!({"metadata": {"finalizers": [names::FINALIZER],
        "annotations": {names::EXTERNAL_NAME: "a"}}});
    merge(&mut value, parts);
    object(value)
}

fn seen(state: State, owner: Owner) -> Seen {
    Seen { state, diff: Vec::new(), owner, created_at: None, external_name: None }
}

fn rested(step: Step) -> Rest {
    match step {
        Step::Rest(rest) => rest,
        step => panic!("expected a rest, got {step:?}"),
    }
}

#[test]
fn a_resource_of_somebody_else_is_refused_and_left_alone() {
    let sight = Sight::Present(seen(State::Ready, Owner::Uid("another".to_owned())));
    let (meta, fresh) = (meta(), managed(json!({})));
    let rest = rested(decide(&facts(&fresh, &meta, &sight)));
    let Synced::Error(message) = rest.synced else { panic!("refused") };
    assert!(message.contains("belongs to the managed resource with UID another"), "{message}");
    let adopting = managed(json!({"metadata": {"annotations": {names::ADOPT: "true"}}}));
    assert_eq!(rested(decide(&facts(&adopting, &meta, &sight))).ready, Ready::Available);
    let seen_then_deleted =
        managed(json!({"metadata": {"deletionTimestamp": "2026-01-01T00:59:00Z"},
        "status": {"atProvider": {"arn": "x"}}}));
    assert_eq!(decide(&facts(&seen_then_deleted, &meta, &sight)), Step::RemoveFinalizer);
}

#[test]
fn where_tags_may_not_be_read_age_decides() {
    let pending = managed(json!({"metadata": {"annotations":
        {names::CREATE_PENDING: "2026-01-01T00:30:00Z"}}}));
    let meta = meta();
    let step = |created: &str| {
        let created_at = Some(created.parse().expect("a time"));
        let sight = Sight::Present(Seen { created_at, ..seen(State::Ready, Owner::Unknown) });
        decide(&facts(&pending, &meta, &sight))
    };
    assert_eq!(step("2026-01-01T00:30:00Z"), Step::RecordCreated { external_name: None });
    let Synced::Error(message) = rested(step("2026-01-01T00:20:00Z")).synced else {
        panic!("refused")
    };
    assert!(message.contains("is older than the create that was intended"), "{message}");
}

#[test]
fn policies_limit_what_is_done() {
    let meta = meta();
    let observe = managed(json!({"spec": {"managementPolicies": ["Observe"]}}));
    let rest = rested(decide(&facts(&observe, &meta, &Sight::Absent)));
    assert!(matches!(rest.synced, Synced::Error(_)));
    let drift =
        Drift { field: "a".to_owned(), wanted: json!(1), found: json!(2), immutable: false };
    let sight = Sight::Present(Seen { diff: vec![drift], ..seen(State::Ready, Owner::Unknown) });
    assert_eq!(rested(decide(&facts(&observe, &meta, &sight))).ready, Ready::Available);
    assert_eq!(decide(&facts(&managed(json!({})), &meta, &sight)), Step::Update);
    let orphan = managed(json!({"metadata": {"deletionTimestamp": "2026-01-01T00:59:00Z"},
        "spec": {"deletionPolicy": "Orphan"}, "status": {"atProvider": {"arn": "x"}}}));
    assert_eq!(decide(&facts(&orphan, &meta, &Sight::NotLooked)), Step::RemoveFinalizer);
    let paused = managed(json!({"metadata": {"annotations": {names::PAUSED: "true"}}}));
    assert_eq!(rested(decide(&facts(&paused, &meta, &Sight::NotLooked))).synced, Synced::Paused);
}

#[test]
fn an_immutable_edit_names_field_and_values() {
    let drift = Drift {
        field: "cidrBlock".to_owned(),
        wanted: json!("b"),
        found: json!("a"),
        immutable: true,
    };
    let sight = Sight::Present(Seen { diff: vec![drift], ..seen(State::Ready, Owner::Unknown) });
    let rest = rested(decide(&facts(&managed(json!({})), &meta(), &sight)));
    assert_eq!(rest.ready, Ready::Available);
    assert_eq!(
        rest.synced,
        Synced::Error(
            "spec.forProvider.cidrBlock cannot be changed from \"a\" to \"b\": revert the edit, \
             or delete this object and make a new one"
                .to_owned()
        )
    );
}

#[test]
fn a_deletion_names_what_it_waits_for() {
    let blocker = Hold {
        message: "waits until Subnet/s is deleted, which depends on it".to_owned(),
        topic: Topic::kind("g", "Subnet"),
        broken: false,
    };
    let (meta, object) =
        (meta(), managed(json!({"metadata": {"deletionTimestamp": "2026-01-01T00:59:00Z"}})));
    let step =
        decide(&Facts { blocker: Some(&blocker), ..facts(&object, &meta, &Sight::NotLooked) });
    let rest = rested(step);
    assert_eq!(rest.ready, Ready::Deleting(blocker.message.clone()));
    assert_eq!(rest.look, Look::WhenWoken);
}

#[test]
fn what_a_spoke_holds_is_looked_at_and_not_deleted() {
    let held = |finalizers: Value| {
        managed(json!({"metadata": {"deletionTimestamp": "2026-01-01T00:59:00Z",
            "finalizers": finalizers}, "status": {"atProvider": {"arn": "x"}}}))
    };
    let meta = meta();
    let object = held(json!([names::FINALIZER, "in-use.fleet.capstan.dev/spoke-a"]));
    // Its connection Secret must stay fresh while the spoke drains.
    assert_eq!(decide(&facts(&object, &meta, &Sight::NotLooked)), Step::Observe);
    let sight = Sight::Present(seen(State::Ready, Owner::Uid("uid-a".to_owned())));
    let rest = rested(decide(&facts(&object, &meta, &sight)));
    let Ready::Deleting(message) = rest.ready else { panic!("{:?}", rest.ready) };
    assert_eq!(message, "in use by Spoke/a: it is deleted when that has let it go");
    assert_eq!((rest.synced, rest.look), (Synced::Success, Look::WhenWoken));
    let object = held(json!([names::FINALIZER, "in-use.fleet.capstan.dev/backup"]));
    let rest = rested(decide(&facts(&object, &meta, &sight)));
    assert!(matches!(&rest.ready, Ready::Deleting(m) if m.starts_with("in use by backup:")));
    let free = held(json!([names::FINALIZER, "example.com/other"]));
    assert_eq!(decide(&facts(&free, &meta, &sight)), Step::Delete);
}

#[test]
fn a_gateway_that_failed_is_replaced_under_a_new_intent() {
    let failed = State::Failed { message: "Gateway.NotAttached".to_owned(), replace: true };
    let sight = Sight::Present(seen(failed, Owner::Uid("uid-a".to_owned())));
    let marks = |extra: Value| {
        let mut value =
            json!({"metadata": {"annotations": {names::CREATE_SUCCEEDED: "2026-01-01T00:30:00Z"}}});
        merge(&mut value, extra);
        managed(value)
    };
    let meta = meta();
    assert_eq!(decide(&facts(&marks(json!({})), &meta, &sight)), Step::RecordFailed);
    let recorded =
        marks(json!({"metadata": {"annotations": {names::CREATE_FAILED: "2026-01-01T00:31:00Z"}}}));
    // The failed one is still ours: its record says so before it is deleted.
    let step = decide(&facts(&recorded, &meta, &sight));
    assert!(matches!(step, Step::Delete), "{step:?}");
}
