//! Micro benchmarks: `cargo bench -p capstan-bench --features micro`.
#![expect(clippy::unwrap_used, reason = "a bench that fails says so")]

use std::hint::black_box;
use std::path::Path;

use capstan_bench::trees::{Scene, crds};
use capstan_build::{Options, Overlay, build};
use capstan_tree::Tree;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// Text to values and back.
fn yaml(criterion: &mut Criterion) {
    let bytes = crds(1_000_000).tree.read("crds/bundle.yaml").unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let values = capstan_yaml::read(&text, "bundle.yaml").unwrap();
    let mut group = criterion.benchmark_group("yaml");
    group.sample_size(20).throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("read", |b| {
        b.iter(|| capstan_yaml::read(black_box(&text), "bundle.yaml").unwrap());
    });
    group.bench_function("emit", |b| b.iter(|| capstan_yaml::emit_all(black_box(&values))));
    group.finish();
}

/// One directory of each scene.
fn builds(criterion: &mut Criterion) {
    let fleet = Path::new("../../examples/fleet");
    let mut group = criterion.benchmark_group("build");
    group.sample_size(20);
    for Scene { name, tree, directories } in Scene::all(fleet).unwrap() {
        let directory = directories.last().unwrap();
        let overlay = Overlay::default();
        group.bench_function(name, |b| {
            b.iter(|| build(&tree, black_box(directory), &overlay, Options::KUSTOMIZE).unwrap());
        });
    }
    group.finish();
}

criterion_group!(all, yaml, builds);
criterion_main!(all);
