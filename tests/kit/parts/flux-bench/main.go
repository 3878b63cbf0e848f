// Command flux-bench times the build call of Flux's kustomize-controller. It is built together with ../kustomize-bench/bench.go.
package main

import (
	"path/filepath"

	"github.com/fluxcd/pkg/kustomize"
	"sigs.k8s.io/kustomize/api/resmap"
)

func main() {
	bench(func() (func(string) (resmap.ResMap, error), error) {
		return func(directory string) (resmap.ResMap, error) {
			return kustomize.SecureBuild(*root, filepath.Join(*root, directory), false)
		}, nil
	})
}
