//! The life of a managed resource: references, create classes, drift, deletion.
