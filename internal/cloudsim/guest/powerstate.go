package guest

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// applyPowerState ends the first boot as power_state wants it: the machine goes down or restarts once everything else is done.
func (m *Machine) applyPowerState(ctx context.Context, plan *initPlan, run func(name, text string)) {
	for _, c := range plan.configs {
		n := field(c.root, "power_state")
		if n == nil || ctx.Err() != nil {
			continue
		}
		command, err := powerCommand(n)
		if err != nil {
			m.setInitError(err)
			fmt.Fprintf(plan.log, "cloud-init: %v\n", err)
			continue
		}
		fmt.Fprintf(plan.log, "cloud-init: %s\n", command)
		run("power_state", command)
		return
	}
}

// powerCommand is the shell text that power_state stands for: its condition, then the change.
func powerCommand(n *yaml.Node) (string, error) {
	mode := scalar(field(n, "mode"))
	flag, known := map[string]string{"poweroff": "-P", "halt": "-H", "reboot": "-r"}[mode]
	if !known {
		return "", fmt.Errorf("power_state: mode %q is not one of poweroff, reboot, halt", mode)
	}
	delay := scalar(field(n, "delay"))
	if minutes, err := strconv.Atoi(strings.TrimPrefix(delay, "+")); delay != "" && delay != "now" && (err != nil || minutes < 0) {
		return "", fmt.Errorf("power_state: delay %q is neither now nor a number of minutes", delay)
	}
	command := "shutdown " + flag + " now"
	condition := field(n, "condition")
	switch {
	case condition == nil:
	case condition.Kind == yaml.SequenceNode:
		command = quoted(condition) + " && " + command
	case strings.EqualFold(scalar(condition), "false"):
		return "true", nil
	case !strings.EqualFold(scalar(condition), "true"):
		command = "sh -c " + shellQuote(scalar(condition)) + " && " + command
	}
	// A condition that fails leaves the machine on and is no failure of the boot.
	return command + " || true", nil
}

// quoted makes a command of a list of words.
func quoted(n *yaml.Node) string {
	words := make([]string, len(n.Content))
	for i, word := range n.Content {
		words[i] = shellQuote(word.Value)
	}
	return strings.Join(words, " ")
}

func shellQuote(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }
