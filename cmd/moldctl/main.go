// Command moldctl carries out declarative stacks on Apache CloudStack and
// ABLESTACK Mold, and on a cloud of its own that it brings along.
//
// The command line is thin: one file per command, which reads flags, calls the
// engine in package core and shows what comes back. The same program serves
// the bundled plugins (moldctl plugin serve) and the embedded cloud (moldctl
// cloud serve), each in a process of its own.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"runtime/debug"

	"github.com/alecthomas/kong"

	"github.com/moldctl/moldctl/core"
)

// version is set when a release is linked (-ldflags "-X main.version=1.2.3").
var version = "0.1.0"

// Exit codes. They are part of the interface: scripts rest on them.
const (
	exitOK          = 0
	exitError       = 1   // something went wrong, or what was asked was not done
	exitChanges     = 2   // with --detailed-exitcode: it worked, and there are or were changes
	exitWaiting     = 3   // what is left to delete waits until the cloud has expunged machines
	exitInterrupted = 130 // left at once at the third interrupt
)

// commandLine is what can be typed.
type commandLine struct {
	Init     initCommand     `cmd:"" help:"Fetch and lock the modules and plugins of a stack, or write a starter stack."`
	Validate validateCommand `cmd:"" help:"Check a stack without a cloud."`
	Fmt      fmtCommand      `cmd:"" help:"Bring stack files into the usual layout."`
	Plan     planCommand     `cmd:"" help:"Show what apply would do."`
	Apply    applyCommand    `cmd:"" help:"Bring the cloud to what the stack says."`
	Destroy  destroyCommand  `cmd:"" help:"Delete everything the stack made."`
	Act      actCommand      `cmd:"" help:"Do something with one object: restart it, take a snapshot."`
	Console  consoleCommand  `cmd:"" help:"Evaluate expressions on what the state holds."`
	Graph    graphCommand    `cmd:"" help:"Show which block needs which."`
	Output   outputCommand   `cmd:"" help:"Show the outputs of the last apply."`
	State    stateCommand    `cmd:"" help:"Look at the state, or change it by hand."`
	Lock     lockCommand     `cmd:"" help:"Show or break the lock on the state."`
	Cloud    cloudCommand    `cmd:"" help:"Handle the embedded cloud."`
	Plugin   pluginCommand   `cmd:"" help:"Install, list, write, check and test plugins."`
	Version  versionCommand  `cmd:"" help:"Show the version of moldctl."`
}

// exitError ends the program with a code; what is to be said was said.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// streams are where a command reads and writes.
type streams struct {
	in  io.Reader
	out io.Writer
	err io.Writer
}

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(core.GCPercent)
	}
	if err := findHome(os.Getenv, os.Setenv, user.Current); err != nil {
		fmt.Fprintf(os.Stderr, "moldctl: set HOME: %v\n", err)
	}
	os.Exit(run(os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

// run parses the arguments, carries out the command and returns its exit code.
func run(args []string, io streams) int {
	var line commandLine
	ended := -1
	parser, err := kong.New(&line,
		kong.Name("moldctl"),
		kong.Description("Declarative stacks for Apache CloudStack and ABLESTACK Mold: images, networks, load balancers, autoscaling.\n\n"+
			"Exit codes: 0 done, 1 error, 2 changes (with --detailed-exitcode), 3 deletes wait for the cloud to expunge machines, 130 left at the third interrupt."),
		kong.Writers(io.out, io.err),
		kong.Exit(func(code int) { ended = code }),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindTo(context.Background(), (*context.Context)(nil)),
		kong.Bind(io),
	)
	if err != nil {
		fmt.Fprintf(io.err, "moldctl: %v. This is a bug in moldctl.\n", err)
		return exitError
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if ended >= 0 { // --help was answered
		return ended
	}
	if err != nil {
		fmt.Fprintf(io.err, "Error: %v\n\nhint: moldctl --help shows the commands, moldctl COMMAND --help what each takes.\n", err)
		return exitError
	}
	if err := command.Run(); err != nil {
		var code exitCode
		if errors.As(err, &code) {
			return int(code)
		}
		fmt.Fprintf(io.err, "Error: %v\n", err)
		return exitError
	}
	return exitOK
}
