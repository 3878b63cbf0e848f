// Command shapes prints how Go's Kubernetes types read and print JSON: the table of capstan-ssa's typed round trip.
//
//	go run -mod=mod . > ../src/typed/shapes.txt
package main

import (
	"bufio"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
)

// table holds each shape once: versions of a type that do not differ share a line.
type table struct {
	names map[reflect.Type]string
	lines map[string]string
}

func main() {
	t := table{map[reflect.Type]string{}, map[string]string{}}
	var kinds []string
	known := scheme.Scheme.AllKnownTypes()
	for gvk, kind := range known {
		if _, ok := reflect.New(kind).Interface().(metav1.Object); ok && gvk.Version != "__internal" {
			kinds = append(kinds, gvk.GroupVersion().String()+" "+gvk.Kind)
		}
	}
	// Stable versions come first and get the short names.
	sort.Slice(kinds, func(i, j int) bool { return rank(kinds[i]) < rank(kinds[j]) })
	types := map[string]reflect.Type{}
	for gvk, kind := range known {
		types[gvk.GroupVersion().String()+" "+gvk.Kind] = kind
	}
	lines := make([]string, 0, len(kinds))
	for _, kind := range kinds {
		lines = append(lines, fmt.Sprintf("kind %s %s", kind, t.name(types[kind])))
	}
	sort.Strings(lines)
	var shapes []string
	for name, fields := range t.lines {
		shapes = append(shapes, "type "+name+" "+fields)
	}
	sort.Strings(shapes)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for _, line := range append(lines, shapes...) {
		fmt.Fprintln(out, strings.TrimSpace(line))
	}
}

func rank(kind string) string {
	version := strings.Fields(kind)[0]
	if strings.Contains(version, "alpha") {
		return "2" + kind
	}
	if strings.Contains(version, "beta") {
		return "1" + kind
	}
	return "0" + kind
}

func (t *table) name(s reflect.Type) string {
	if name, ok := t.names[s]; ok {
		return name
	}
	fields := strings.Join(t.fields(s), " ")
	name := s.Name()
	if other, taken := t.lines[name]; taken && other != fields {
		path := strings.Split(s.PkgPath(), "/")
		name += "." + strings.Join(path[len(path)-2:], ".")
	}
	t.names[s], t.lines[name] = name, fields
	return name
}

// fields lists the fields, those of inlined structs among them. After a name, `!` is printed even when it is empty,
// and `~` is not printed when it is zero.
func (t *table) fields(s reflect.Type) []string {
	var all []string
	for i := 0; i < s.NumField(); i++ {
		field := s.Field(i)
		tag := strings.Split(field.Tag.Get("json"), ",")
		if tag[0] == "" {
			all = append(all, t.fields(field.Type)...)
			continue
		}
		mark := "!"
		for _, option := range tag[1:] {
			if option == "omitempty" {
				mark = ""
			}
		}
		for _, option := range tag[1:] {
			if option == "omitzero" {
				mark = "~"
			}
		}
		all = append(all, tag[0]+mark+":"+t.kind(field.Type))
	}
	return all
}

var scalars = map[string]string{
	"resource.Quantity":    "quantity",
	"intstr.IntOrString":   "intorstring",
	"v1.Time":              "time",
	"v1.MicroTime":         "microtime",
	"v1.FieldsV1":          "raw",
	"runtime.RawExtension": "raw",
}

func (t *table) kind(k reflect.Type) string {
	if scalar, ok := scalars[k.String()]; ok {
		return scalar
	}
	switch k.Kind() {
	case reflect.Pointer:
		return "*" + t.kind(k.Elem())
	case reflect.Slice:
		if k.Elem().Kind() == reflect.Uint8 {
			return "bytes"
		}
		return "[" + t.kind(k.Elem()) + "]"
	case reflect.Map:
		return "{" + t.kind(k.Elem()) + "}"
	case reflect.Struct:
		return t.name(k)
	}
	return k.Kind().String()
}
