/// What differs between the programs that build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// A layer may read files of its own directory and below only; bases may lie anywhere.
    pub restricts: bool,
    /// A directory without a kustomization is built as if it had one that names its files.
    pub generates: bool,
    /// Objects come in kustomize's old order of kinds, unless the kustomization says otherwise.
    pub legacy_order: bool,
}

impl Options {
    /// As Flux's kustomize-controller builds.
    pub const FLUX: Self = Self { restricts: false, generates: true, legacy_order: false };
    /// As `kustomize build` does.
    pub const KUSTOMIZE: Self = Self { restricts: true, generates: false, legacy_order: true };
}
