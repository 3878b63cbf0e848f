//! Crossplane: XRDs and Compositions.
