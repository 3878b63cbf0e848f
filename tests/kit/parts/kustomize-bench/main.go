// Command kustomize-bench times the build call of kustomize.
package main

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

var memory = flag.Bool("memory", false, "read the tree into memory first, and build from there")

func main() {
	bench(func() (func(string) (resmap.ResMap, error), error) {
		files, top := filesys.MakeFsOnDisk(), *root
		if *memory {
			files, top = filesys.MakeFsInMemory(), "/"
			if err := load(files); err != nil {
				return nil, err
			}
		}
		// As the command line, when nobody says what the order is to be.
		options := krusty.MakeDefaultOptions()
		options.Reorder = krusty.ReorderOptionUnspecified
		return func(directory string) (resmap.ResMap, error) {
			return krusty.MakeKustomizer(options).Run(files, filepath.Join(top, directory))
		}, nil
	})
}

// load copies the tree.
func load(files filesys.FileSystem) error {
	return filepath.WalkDir(*root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(*root, path)
		if err != nil {
			return err
		}
		return files.WriteFile(filepath.Join("/", relative), content)
	})
}
