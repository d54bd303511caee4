package guest

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/pem"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"
)

func cmdOpenssl(_ context.Context, p *proc) int {
	args := p.args[1:]
	switch {
	case len(args) >= 2 && args[0] == "rand":
		n, err := strconv.Atoi(args[len(args)-1])
		if err != nil || n > 1<<20 || n < 0 {
			return p.fail("invalid length")
		}
		buf := make([]byte, n)
		_, _ = rand.Read(buf) // never fails
		if slices.Contains(args, "-hex") {
			p.printf("%s\n", hex.EncodeToString(buf))
		} else {
			_, _ = p.out.Write(buf)
		}
		return 0
	case len(args) >= 2 && args[0] == "passwd" && args[1] == "-6":
		p.printf("%s\n", newHash(args[len(args)-1]))
		return 0
	}
	return p.fail("this command of openssl is not part of the embedded guest")
}

func cmdSSHKeygen(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "t f N b C P m")
	if o.has("A") {
		if err := p.m.ensureHostKeys(); err != nil {
			return p.fail("%v", err)
		}
		return 0
	}
	file := o.value("f")
	if file == "" {
		file = p.s.user.home + "/.ssh/id_ed25519"
	}
	private, public, err := newKeyPair(o.value("C"))
	if err != nil {
		return p.fail("%v", err)
	}
	if err := p.m.disk.MkdirAll(p.s.cred, path.Dir(p.path(file)), 0o700); err != nil {
		return p.fail("%s", fileProblem(err))
	}
	for name, data := range map[string][]byte{p.path(file): private, p.path(file) + ".pub": public} {
		if err := p.m.disk.WriteFile(p.s.cred, name, data, 0o600); err != nil {
			return p.fail("%s", fileProblem(err))
		}
	}
	return 0
}

// newKeyPair makes an ed25519 key in the formats of OpenSSH.
func newKeyPair(comment string) (private, public []byte, err error) {
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	block, err := ssh.MarshalPrivateKey(key, comment)
	if err != nil {
		return nil, nil, err
	}
	sshPub, err := ssh.NewPublicKey(pub)
	if err != nil {
		return nil, nil, err
	}
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(sshPub))) + " " + comment
	return pem.EncodeToMemory(block), []byte(strings.TrimSpace(line) + "\n"), nil
}
