use super::{Scene, put};

/// Layers upon each other, each of which renames, moves, labels and patches everything below it. The lowest has `services` deployments, and for each a service,
/// a service account and a config map that refer to each other.
pub fn stack(layers: usize, services: usize) -> Scene {
    let mut files = Vec::new();
    let text: Vec<String> = (0..services).map(objects).collect();
    put(&mut files, "layer0/objects.yaml", text.concat());
    put(&mut files, "layer0/kustomization.yaml", "resources: [objects.yaml]\n");
    for layer in 1..=layers {
        put(
            &mut files,
            format!("layer{layer}/kustomization.yaml"),
            kustomization(layer, layer % services.max(1)),
        );
    }
    Scene {
        name: "stack of ten",
        tree: files.into_iter().collect(),
        directories: vec![format!("layer{layers}")],
    }
}

fn kustomization(layer: usize, patched: usize) -> String {
    format!(
        "resources: [../layer{below}]
namespace: layer{layer}
namePrefix: p{layer}-
nameSuffix: -s{layer}
labels:
- pairs: {{layer{layer}: \"yes\"}}
  includeTemplates: true
commonAnnotations: {{layer: \"{layer}\"}}
patches:
- target: {{kind: Deployment, name: service{patched}}}
  patch: |-
    - op: replace
      path: /spec/replicas
      value: {layer}
- target: {{kind: Deployment}}
  patch: |-
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: any
    spec:
      template:
        spec:
          containers:
          - name: main
            env:
            - name: LAYER{layer}
              value: \"{layer}\"
configMapGenerator:
- name: settings{layer}
  literals: [layer={layer}]
images:
- name: example.com/service
  newTag: v{layer}
",
        below = layer - 1,
    )
}

fn objects(service: usize) -> String {
    format!(
        "---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: service{service}
spec:
  replicas: 1
  selector:
    matchLabels: {{app: service{service}}}
  template:
    metadata:
      labels: {{app: service{service}}}
    spec:
      serviceAccountName: service{service}
      containers:
      - name: main
        image: example.com/service:latest
        envFrom:
        - configMapRef: {{name: service{service}}}
        ports:
        - containerPort: 8080
---
apiVersion: v1
kind: Service
metadata:
  name: service{service}
spec:
  selector: {{app: service{service}}}
  ports:
  - port: 80
    targetPort: 8080
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: service{service}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: service{service}
data:
  number: \"{service}\"
  greeting: hello from service {service}
"
    )
}
