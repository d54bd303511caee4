// Package wire is what moldctl and a plugin process say to each other: the
// messages of protocol v1 (plugin.proto, generated), the handshake, and values
// and diagnostics on the wire.
//
// Values travel as JSON of the type that plugin.yaml implies, with a list of
// the paths that are not known yet. Messages may be large (see
// MaxMessage); lists are sent in pieces, so that one message stays small.
//
// It imports the model of plugin.yaml and nothing else of this project.
package wire

//go:generate protoc -I ../.. --go_out=../.. --go_opt=module=github.com/moldctl/moldctl --go-grpc_out=../.. --go-grpc_opt=module=github.com/moldctl/moldctl sdk/wire/plugin.proto
