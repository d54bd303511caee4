package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/moldctl/moldctl/core/state"
)

type stateRekeyCommand struct {
	Recipient      []string `placeholder:"AGE1…" sep:"none" help:"Seal for this age public key; may be given several times. Default: the encryption block of the stack, else as before."`
	RecipientsFile string   `short:"R" placeholder:"FILE" type:"path" help:"Seal for the public keys in this file, one a line."`
	Local          bool     `help:"Seal with the local key of this user instead."`
	KeyFile        string   `placeholder:"FILE" type:"path" help:"Seal with the local key in this file; it is made if there is none."`
	stateChangeFlags
}

// rekeyResult is the JSON result of state rekey.
type rekeyResult struct {
	Recipients []string `json:"recipients"` // none: a local key
}

// Run seals the state with a new key.
func (c *stateRekeyCommand) Run(ctx context.Context, io streams) error {
	if c.RecipientsFile != "" {
		list, err := readRecipients(c.RecipientsFile)
		if err != nil {
			return err
		}
		c.Recipient = append(c.Recipient, list...)
	}
	if len(c.Recipient) > 0 && (c.Local || c.KeyFile != "") {
		return errors.New("--recipient and a local key exclude each other: the state is sealed with one or the other")
	}
	return c.sealAnew(ctx, io)
}

func (c *stateRekeyCommand) sealAnew(ctx context.Context, io streams) error {
	return c.change(ctx, io, "rekey", func(s *session) error {
		to := state.KeyChange{Recipients: c.Recipient}
		if c.KeyFile != "" {
			to.Keys = state.KeyFile{Path: c.KeyFile}
		}
		if len(c.Recipient) == 0 && !c.Local && c.KeyFile == "" {
			if to.Recipients = s.Recipients(); len(to.Recipients) == 0 {
				to.Recipients = s.Store().Recipients()
			}
		}
		if err := s.Store().Rekey(ctx, to); err != nil {
			return err
		}
		if c.JSON {
			return writeJSON(io.out, rekeyResult{append([]string{}, to.Recipients...)})
		}
		who := "a local key"
		if len(to.Recipients) > 0 {
			who = strings.Join(to.Recipients, ", ")
		}
		fmt.Fprintf(io.out, "The state has a new key, sealed for %s. Copies made before still open with the old one.\n", who)
		if c.KeyFile != "" {
			fmt.Fprintf(io.out, "From now on: export %s=%s\n", state.KeyFileVariable, c.KeyFile)
		}
		return nil
	})
}

// readRecipients reads public keys, one a line; # begins a comment.
func readRecipients(path string) ([]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read recipients: %w", err)
	}
	var list []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			list = append(list, line)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("read recipients: %s names none", path)
	}
	return list, nil
}

type stateKeygenCommand struct {
	File string `arg:"" optional:"" type:"path" help:"Where to write the private key. Default: ~/.config/moldctl/keys/identity.txt."`
	JSON bool   `name:"json" help:"Write JSON for programs."`
}

// keygenResult is the JSON result of state keygen.
type keygenResult struct {
	File      string `json:"file"`
	Recipient string `json:"recipient"`
}

// Run makes a key pair for sealing states.
func (c *stateKeygenCommand) Run(io streams) error {
	file := c.File
	if file == "" {
		var err error
		if file, err = state.DefaultIdentityFile(); err != nil {
			return err
		}
	}
	public, err := state.MakeIdentity(file)
	if err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(io.out, keygenResult{file, public})
	}
	fmt.Fprintf(io.out, "%s\n", public)
	fmt.Fprintf(io.err, "Wrote the private key to %s. Keep a copy in a safe place: without it, what is sealed for this public key stays sealed.\n", file)
	return nil
}
