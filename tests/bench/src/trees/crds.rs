use std::fmt::Write as _;

use super::{Scene, put};

/// How much one CRD holds.
const CRD_BYTES: usize = 200_000;

/// A bundle of CRDs with long schemas in one file, as operators ship them: at least `bytes` of them.
pub fn crds(bytes: usize) -> Scene {
    let mut files = Vec::new();
    let mut bundle = String::new();
    for number in 0.. {
        if bundle.len() >= bytes {
            break;
        }
        crd(&mut bundle, number);
    }
    put(&mut files, "crds/bundle.yaml", bundle);
    put(
        &mut files,
        "crds/kustomization.yaml",
        "apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
- bundle.yaml
labels:
- pairs: {app.kubernetes.io/part-of: operators}
commonAnnotations:
  example.com/source: bundle
",
    );
    Scene {
        name: "CRD bundle",
        tree: files.into_iter().collect(),
        directories: vec!["crds".to_owned()],
    }
}

fn crd(text: &mut String, number: usize) {
    let before = text.len();
    let _ = write!(
        text,
        "---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: thing{number}s.example.com
  annotations:
    controller-gen.kubebuilder.io/version: v0.19.0
spec:
  group: example.com
  names:
    kind: Thing{number}
    listKind: Thing{number}List
    plural: thing{number}s
    singular: thing{number}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    subresources:
      status: {{}}
    schema:
      openAPIV3Schema:
        description: Thing{number} is the schema of one of many things.
        type: object
        required:
        - spec
        properties:
          spec:
            description: What the user wants.
            type: object
            properties:
"
    );
    let mut field = 0;
    while text.len() - before < CRD_BYTES {
        property(text, field);
        field += 1;
    }
}

/// One field of a schema, with three levels below it.
fn property(text: &mut String, field: usize) {
    let _ = write!(
        text,
        "              field{field}:
                description: |-
                  Field{field} configures a part of the thing. It defaults to what the controller finds, and
                  must not be changed after the thing was created: see `status.conditions` for more.

                  More info: https://example.com/docs/concepts/things#field{field}
                type: object
                x-kubernetes-map-type: atomic
                properties:
                  items:
                    description: Items is a list of label selector requirements. The requirements are ANDed, and an empty list selects everything that there is.
                    type: array
                    x-kubernetes-list-type: map
                    x-kubernetes-list-map-keys:
                    - name
                    items:
                      type: object
                      required: [name, operator]
                      properties:
                        name:
                          description: 'The name: it is unique in the list.'
                          type: string
                          maxLength: 253
                          pattern: ^[a-z0-9]([-a-z0-9]*[a-z0-9])?$
                        operator:
                          type: string
                          enum:
                          - In
                          - NotIn
                          - \"Yes\"
                        values:
                          type: array
                          items:
                            type: string
                  limit:
                    anyOf:
                    - type: integer
                    - type: string
                    pattern: ^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))))?$
                    x-kubernetes-int-or-string: true
                  enabled:
                    type: boolean
                    default: true
                  weight:
                    type: integer
                    format: int32
                    minimum: 0
                    maximum: 100
"
    );
}
