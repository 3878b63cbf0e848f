// What kustomize-bench and flux-bench share: they build directories over and over in one process, and say how long that took.
//
// Directories come on standard input, a line each; one JSON object is printed: see report.
package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"hash"
	"os"
	"strconv"
	"strings"
	"time"

	"sigs.k8s.io/kustomize/api/resmap"
)

// report is what the program prints.
type report struct {
	// RoundNanos is the wall time of each round, in which every directory is built once.
	RoundNanos []int64 `json:"roundNanos"`
	// CallNanos is the wall time of each build of all rounds.
	CallNanos []int64 `json:"callNanos"`
	// Digest is the SHA-256 of the SHA-256 of each text of the first round.
	Digest string `json:"digest"`
	// Objects and Bytes count what the first round gave.
	Objects int `json:"objects"`
	Bytes   int `json:"bytes"`
	// PeakKilobytes is the high water mark of the resident memory of this process.
	PeakKilobytes int64 `json:"peakKilobytes"`
	digest        hash.Hash
}

var (
	root   = flag.String("root", ".", "the root of the tree")
	rounds = flag.Int("rounds", 1, "how often everything is built")
	yaml   = flag.Bool("yaml", false, "print YAML too, within the time")
)

// bench runs the program. newBuilder gives what builds one directory.
func bench(newBuilder func() (func(directory string) (resmap.ResMap, error), error)) {
	flag.Parse()
	r := report{digest: sha256.New()}
	build, err := newBuilder()
	if err == nil {
		err = r.run(build)
	}
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(r)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func (r *report) run(build func(string) (resmap.ResMap, error)) error {
	directories, err := lines()
	if err != nil {
		return err
	}
	for round := 0; round < *rounds; round++ {
		began := time.Now()
		for _, directory := range directories {
			if err := r.call(build, directory, round == 0); err != nil {
				return fmt.Errorf("%s: %w", directory, err)
			}
		}
		r.RoundNanos = append(r.RoundNanos, time.Since(began).Nanoseconds())
	}
	r.Digest = hex.EncodeToString(r.digest.Sum(nil))
	r.PeakKilobytes, err = peak()
	return err
}

func (r *report) call(build func(string) (resmap.ResMap, error), directory string, isFirst bool) error {
	start := time.Now()
	objects, err := build(directory)
	if err != nil {
		return err
	}
	var text []byte
	if *yaml {
		if text, err = objects.AsYaml(); err != nil {
			return err
		}
	}
	r.CallNanos = append(r.CallNanos, time.Since(start).Nanoseconds())
	if isFirst {
		r.Objects += objects.Size()
		r.Bytes += len(text)
		sum := sha256.Sum256(text)
		r.digest.Write(sum[:])
	}
	return nil
}

func lines() ([]string, error) {
	var all []string
	scanner := bufio.NewScanner(os.Stdin)
	for scanner.Scan() {
		all = append(all, scanner.Text())
	}
	return all, scanner.Err()
}

// peak reads the high water mark from the kernel.
func peak() (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for _, line := range strings.Split(string(status), "\n") {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "VmHWM:" {
			return strconv.ParseInt(fields[1], 10, 64)
		}
	}
	return 0, fmt.Errorf("/proc/self/status has no VmHWM")
}
