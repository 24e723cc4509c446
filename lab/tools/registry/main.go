// Command registry serves go-containerregistry's registry on a Unix socket: `crane registry serve` has it on a port, which
// any user of the host could push to. Arguments: the socket's path, the folder of the blobs. Manifests are in memory only.
package main

import (
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: registry SOCKET FOLDER")
	}
	if err := os.Remove(os.Args[1]); err != nil && !os.IsNotExist(err) {
		log.Fatal(err)
	}
	listener, err := net.Listen("unix", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	blobs := registry.WithBlobHandler(registry.NewDiskBlobHandler(os.Args[2]))
	// A line per request is of no use.
	silent := registry.Logger(log.New(io.Discard, "", 0))
	server := &http.Server{Handler: registry.New(blobs, silent), ReadHeaderTimeout: 5 * time.Second}
	log.Print("serving")
	log.Fatal(server.Serve(listener))
}
