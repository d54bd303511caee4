package endtoend_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// victim is who dies in a test: the program, and its plugins because it is
// gone; one plugin; or all at once, as after a power cut.
type victim string

const (
	theProgram victim = "program"
	aPlugin    victim = "plugin"
	everybody  victim = "all"
)

// kill kills with SIGKILL. The command is the one that the cloud is just asked.
func (v victim) kill(program *os.Process, command string) error {
	switch v {
	case aPlugin:
		serving, err := servant(program.Pid, command)
		if err != nil {
			return err
		}
		return ended(syscall.Kill(serving, syscall.SIGKILL))
	case everybody:
		// Plugins first: they would see the program go, and end by themselves.
		all, err := plugins(program.Pid)
		if err != nil {
			return err
		}
		for _, pid := range all {
			if err := ended(syscall.Kill(pid, syscall.SIGKILL)); err != nil {
				return err
			}
		}
	}
	return program.Kill()
}

// ended takes it for granted that who is killed may be gone already.
func ended(err error) error {
	if errors.Is(err, syscall.ESRCH) {
		return nil
	}
	return err
}

// plugins are the plugin processes of a program, by name.
func plugins(program int) (map[string]int, error) {
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", program))
	if err != nil {
		return nil, err
	}
	found := map[string]int{}
	for _, task := range tasks {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", program, task.Name()))
		if err != nil {
			continue // the thread has ended meanwhile
		}
		for _, child := range strings.Fields(string(text)) {
			environ, err := os.ReadFile("/proc/" + child + "/environ")
			if err != nil {
				continue // as the thread
			}
			for _, pair := range bytes.Split(environ, []byte{0}) {
				if name, ok := strings.CutPrefix(string(pair), pluginVariable+"="); ok {
					if found[name], err = strconv.Atoi(child); err != nil {
						return nil, err
					}
				}
			}
		}
	}
	return found, nil
}

// servant is the plugin process that sends a command: of those that run the one
// whose plugin.yaml names it, else the one whose code makes such calls.
func servant(program int, command string) (int, error) {
	running, err := plugins(program)
	if err != nil {
		return 0, err
	}
	all := bundled()
	for _, name := range []string{"image-builder", "network", "lb", "autoscale", "compute", "identity"} {
		if pid, ok := running[name]; ok && bytes.Contains(all[name].Spec, []byte("call: "+command)) {
			return pid, nil
		}
	}
	for _, name := range []string{"image-builder", "autoscale", "lb"} {
		if pid, ok := running[name]; ok {
			return pid, nil
		}
	}
	return 0, fmt.Errorf("no plugin runs that sends %s: %v", command, running)
}
