// registry keeps OCI artifacts in memory: the registry of go-containerregistry behind a login, which may be told to lie.
//
// It prints its address when it listens. PUT /-/tamper/<digest> has it send that blob with another first byte from then on.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/registry"
)

func main() {
	user := flag.String("user", "", "user whose login is asked for")
	password := flag.String("password", "", "the user's password")
	flag.Parse()
	quiet := log.New(io.Discard, "", 0)
	served := &liar{registry: registry.New(registry.Logger(quiet), registry.WithReferrersSupport(true)), tampered: map[string]bool{}}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, "registry:", err)
		os.Exit(1)
	}
	fmt.Println("listening on", listener.Addr())
	guarded := http.HandlerFunc(func(answer http.ResponseWriter, asked *http.Request) {
		name, word, _ := asked.BasicAuth()
		if *user != "" && (name != *user || word != *password) {
			answer.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
			http.Error(answer, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`, http.StatusUnauthorized)
			return
		}
		served.ServeHTTP(answer, asked)
	})
	fmt.Fprintln(os.Stderr, "registry:", http.Serve(listener, guarded))
}

// liar passes everything on, and changes the blobs that it was told to.
type liar struct {
	registry http.Handler
	lock     sync.Mutex
	tampered map[string]bool
}

func (l *liar) ServeHTTP(answer http.ResponseWriter, asked *http.Request) {
	if digest, ok := strings.CutPrefix(asked.URL.Path, "/-/tamper/"); ok {
		l.lock.Lock()
		l.tampered[digest] = true
		l.lock.Unlock()
		return
	}
	_, digest, _ := strings.Cut(asked.URL.Path, "/blobs/")
	l.lock.Lock()
	lies := l.tampered[digest] && asked.Method == http.MethodGet
	l.lock.Unlock()
	if lies {
		answer = &changed{ResponseWriter: answer}
	}
	l.registry.ServeHTTP(answer, asked)
}

// changed turns the bits of the first byte of a body.
type changed struct {
	http.ResponseWriter
	begun bool
}

func (c *changed) Write(body []byte) (int, error) {
	if !c.begun && len(body) > 0 {
		c.begun = true
		body = append([]byte{^body[0]}, body[1:]...)
	}
	return c.ResponseWriter.Write(body)
}
