// kustomize-serve builds kustomizations without being started anew for each: a JSON object a line in, one a line out, in order.
//
// In:  {"files": {"path": "base64"}, "path": "directory", "legacy": false}
// Out: {"output": "YAML"} or {"error": "why"}
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"os"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/openapi"
)

type request struct {
	Files  map[string][]byte `json:"files"`
	Path   string            `json:"path"`
	Legacy bool              `json:"legacy"`
}

type answer struct {
	Output string `json:"output,omitempty"`
	Error  string `json:"error,omitempty"`
}

func main() {
	log.SetOutput(os.Stderr)
	in := bufio.NewReaderSize(os.Stdin, 1<<16)
	out := json.NewEncoder(os.Stdout)
	// The schema is kept for the whole process, so a build that may change it has to be followed by a reset.
	changed := false
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var asked request
		if err := json.Unmarshal(line, &asked); err != nil {
			fmt.Fprintln(os.Stderr, "kustomize-serve: not a request:", err)
			os.Exit(2)
		}
		if changed {
			openapi.ResetOpenAPI()
		}
		changed = namesSchema(asked)
		if err := out.Encode(build(asked)); err != nil {
			return
		}
	}
}

func build(asked request) (said answer) {
	// The program would crash, which is an error like any other to whoever runs it.
	defer func() {
		if panicked := recover(); panicked != nil {
			said = answer{Error: fmt.Sprint("panic: ", panicked)}
		}
	}()
	files := filesys.MakeFsInMemory()
	for path, content := range asked.Files {
		if err := files.WriteFile("/"+path, content); err != nil {
			return answer{Error: err.Error()}
		}
	}
	options := krusty.MakeDefaultOptions()
	if asked.Legacy {
		options.Reorder = krusty.ReorderOptionLegacy
	}
	built, err := krusty.MakeKustomizer(options).Run(files, "/"+asked.Path)
	if err != nil {
		return answer{Error: "Error: " + err.Error()}
	}
	text, err := built.AsYaml()
	if err != nil {
		return answer{Error: "Error: " + err.Error()}
	}
	return answer{Output: string(text)}
}

func namesSchema(asked request) bool {
	for _, content := range asked.Files {
		if bytes.Contains(bytes.ToLower(content), []byte("openapi")) {
			return true
		}
	}
	return false
}
