// yamuxclient is the connection of one of Gitaly's clients, made with HashiCorp's own yamux: gRPC goes through a socket in the file
// system, and the sidechannel of one call through standard input and output.
//
//	yamuxclient NETWORK ADDRESS SOCKET
//
// It writes a line to standard error once SOCKET can be connected to.
package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/hashicorp/yamux"
)

const (
	magic       = "backchannel"
	sidechannel = "sidechannel"
	// largest is what fits into a packet beside its length.
	largest = 65516
)

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "yamuxclient:", err)
		os.Exit(1)
	}
}

func run(network, address, socket string) error {
	connection, err := net.Dial(network, address)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(connection, magic); err != nil {
		return err
	}
	config := yamux.DefaultConfig()
	config.EnableKeepAlive = false
	config.StreamCloseTimeout = time.Second
	config.LogOutput = os.Stderr
	session, err := yamux.Client(connection, config)
	if err != nil {
		return err
	}
	defer session.Close()
	calls, err := session.Open()
	if err != nil {
		return err
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "ready")
	local, err := listener.Accept()
	if err != nil {
		return err
	}
	failed := make(chan error, 3)
	go func() { failed <- copied(calls, local) }()
	go func() { failed <- copied(local, calls) }()
	go func() {
		for {
			stream, err := session.Accept()
			if err == nil {
				err = serve(stream)
			}
			if err != nil {
				failed <- err
				return
			}
		}
	}()
	// Whoever makes the calls closes the socket when all is done.
	return <-failed
}

func copied(target io.Writer, source io.Reader) error {
	_, err := io.Copy(target, source)
	return err
}

// serve takes a sidechannel: standard input goes to the server in packets, what the server sends to standard output.
func serve(stream net.Conn) error {
	defer stream.Close()
	head := make([]byte, len(sidechannel)+8)
	if _, err := io.ReadFull(stream, head); err != nil {
		return err
	}
	if string(head[:len(sidechannel)]) != sidechannel {
		return fmt.Errorf("not a sidechannel: %q", head)
	}
	if id := int64(binary.BigEndian.Uint64(head[len(sidechannel):])); id != 0 {
		return fmt.Errorf("unknown sidechannel %d", id)
	}
	if _, err := io.WriteString(stream, "ok"); err != nil {
		return err
	}
	go speak(stream)
	_, err := io.Copy(os.Stdout, stream)
	os.Stdout.Close()
	return err
}

func speak(stream io.Writer) {
	buffer := make([]byte, largest)
	for {
		count, err := os.Stdin.Read(buffer)
		if count > 0 {
			if _, err := fmt.Fprintf(stream, "%04x%s", count+4, buffer[:count]); err != nil {
				return
			}
		}
		if err != nil {
			io.WriteString(stream, "0000")
			return
		}
	}
}
