package pluginhost

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// elf is how programs begin where an open file can be run.
var elf = []byte("\x7fELF")

// verify compares the program of a plugin with its digest, on the open file,
// and has the command run that very file where the system can: a program that
// is replaced meanwhile is not run. The file is closed after the start.
//
// A script is opened once more, by its interpreter, which is why it keeps its
// name; its folder has been compared with the lock file.
func (p *process) verify(cmd *exec.Cmd) (*os.File, error) {
	if p.src.SHA256 == "" {
		return nil, nil
	}
	f, err := os.Open(cmd.Path)
	if err != nil {
		return nil, fmt.Errorf("open its program: %w", err)
	}
	if err := compare(f, p.src.SHA256); err != nil {
		_ = f.Close() // only read from
		return nil, fmt.Errorf("%s: %w", cmd.Path, err)
	}
	magic := make([]byte, len(elf))
	if _, err := f.ReadAt(magic, 0); err == nil && bytes.Equal(magic, elf) {
		runOpen(cmd, f)
	}
	return f, nil
}

func compare(f *os.File, want string) error {
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return fmt.Errorf("read the program: %w", err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want {
		return fmt.Errorf("the program was changed since it was locked (sha256 %s, wanted %s), so it is not run; moldctl init fetches it again", got, want)
	}
	return nil
}
