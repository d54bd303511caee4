package conformance

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/moldctl/moldctl/internal/cloudsim"
	"github.com/moldctl/moldctl/sdk/apitable"
)

// promptly is how long a cancelled apply may take to end.
const promptly = 10 * time.Second

// refusal is what the cloud says when a test makes it refuse.
const refusal = "no room for this"

// mishaps lets calls go wrong without harm to the plugin.
func mishaps(ctx context.Context, w *world, s *scene) error {
	if _, err := w.apply(ctx, s.base()); err != nil {
		w.judge(AnswerLost, s.typ.Name, "", fmt.Errorf("what the example rests on cannot be made: %w", err))
		return nil
	}
	create := deed{from: s.base(), to: s.full()}
	if err := w.rehearse(ctx, &create); err != nil {
		w.judge(AnswerLost, s.typ.Name, "", err)
		return nil
	}
	if err := w.back(ctx, &create); err != nil {
		w.judge(AnswerLost, s.typ.Name, "", err)
		return nil
	}
	if len(create.calls) == 0 {
		w.judge(AnswerLost, s.typ.Name, "", skipf("no call is made"))
		return nil
	}
	command := create.calls[0]
	for _, f := range []struct {
		check Check
		fault cloudsim.Fault
		told  string // what the apply says, if it fails
		fails bool
	}{
		{AnswerLost, cloudsim.Fault{Kind: "reset", Where: "after"}, "", false},
		{Busy, cloudsim.Fault{Kind: "status", Status: 503}, "", false},
		{JobFails, cloudsim.Fault{Kind: "job_fail", Code: 530, Text: refusal}, refusal, true},
	} {
		if f.check == JobFails {
			table, err := apitable.Load()
			if err != nil {
				return err
			}
			if c, _ := table.Command(command); !c.Async {
				w.judge(f.check, s.typ.Name, command, skipf("the call has no job"))
				continue
			}
		}
		f.fault.Command = command
		if _, err := w.addFault(f.fault); err != nil {
			return err
		}
		_, err := w.apply(ctx, s.full())
		w.clearFaults()
		switch {
		case f.fails && err == nil:
			err = errors.New("the apply did not fail")
		case f.fails && !strings.Contains(strings.Join(strings.Fields(err.Error()), " "), f.told):
			err = fmt.Errorf("the apply does not say %q: %w", f.told, err)
		default:
			err = w.recovered(ctx, s.full(), create.new)
		}
		w.judge(f.check, s.typ.Name, command, err)
		if err := w.back(ctx, &create); err != nil {
			w.judge(f.check, s.typ.Name, command, fmt.Errorf("what was made cannot be taken back: %w", err))
			return nil
		}
	}
	return w.cancelled(ctx, s, &create, command)
}

// cancelled cancels an apply while the cloud holds a call back.
func (w *world) cancelled(ctx context.Context, s *scene, d *deed, command string) error {
	fault, err := w.addFault(cloudsim.Fault{Command: command, Kind: "hold", Where: "after"})
	if err != nil {
		return err
	}
	cancelling, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		_, err := w.apply(cancelling, s.full())
		ended <- err
	}()
	if err := w.heldBack(ctx, fault, ended); err != nil {
		cancel()
		w.clearFaults()
		w.judge(CancelPrompt, s.typ.Name, command, err)
		return nil
	}
	cancel()
	err = nil
	select {
	case <-ended:
	case <-time.After(promptly):
		err = fmt.Errorf("it was still under way after %s", promptly)
	}
	w.clearFaults()
	if err != nil {
		<-ended
	}
	w.judge(CancelPrompt, s.typ.Name, fmt.Sprintf("%s, within %s", command, promptly), err)
	w.judge(CancelRecovers, s.typ.Name, command, w.recovered(ctx, s.full(), d.new))
	return nil
}

// heldBack waits until the cloud holds a call of the fault.
func (w *world) heldBack(ctx context.Context, id string, ended chan error) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if w.held(id) {
			return nil
		}
		select {
		case err := <-ended:
			return fmt.Errorf("the apply ended before the call was sent: %w", err)
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// user leads an object through its life as an ordinary user.
func user(ctx context.Context, w *world, s *scene) error {
	if why := w.notForUsers(s); why != nil {
		w.judge(AsUser, s.typ.Name, "", why)
		return nil
	}
	w.account, w.inside = "user", true
	err := func() error {
		for _, text := range []string{s.base(), s.full(), s.base()} {
			settled, err := w.apply(ctx, text)
			if err := errors.Join(err, settled); err != nil {
				return err
			}
		}
		return nil
	}()
	w.judge(AsUser, s.typ.Name, "", err)
	return nil
}

// notForUsers says why an ordinary user cannot try a type; nil when one can.
func (w *world) notForUsers(s *scene) error {
	if w.overHTTP() {
		return skipf("the double of the API knows one caller")
	}
	if role := s.typ.Role; role != "" && role != "user" {
		return skipf("the type is for the role %s", role)
	}
	return nil
}
