package conformance

import (
	"context"
	"errors"
	"fmt"

	"github.com/moldctl/moldctl/core/plan"
)

// fewKills is how many calls of one verb the plugin is killed at, unless the
// test is thorough.
const fewKills = 3

// deed is a change of the stack from one text to another, and what exists
// before and after.
type deed struct {
	check    Check
	from, to string
	old, new []string // inventories
	calls    []string
}

// kills kills the plugin at each call of every verb.
func kills(ctx context.Context, w *world, s *scene) error {
	if _, err := w.apply(ctx, s.base()); err != nil {
		w.judge(KilledCreate, s.typ.Name, "", fmt.Errorf("what the example rests on cannot be made: %w", err))
		return nil
	}
	create := deed{check: KilledCreate, from: s.base(), to: s.full()}
	if err := w.rehearse(ctx, &create); err != nil {
		w.judge(KilledCreate, s.typ.Name, "", err)
		return nil
	}
	if err := w.back(ctx, &create); err != nil {
		w.judge(KilledCreate, s.typ.Name, "", fmt.Errorf("what was made cannot be taken back, even without a kill: %w", err))
		return nil
	}
	if clean, err := w.killAt(ctx, s, &create); err != nil || !clean {
		return err
	}
	if _, err := w.apply(ctx, s.full()); err != nil {
		w.judge(KilledUpdate, s.typ.Name, "", fmt.Errorf("there is nothing to change: %w", err))
		return nil
	}
	if clean, err := w.killChanges(ctx, s); err != nil || !clean {
		return err
	}
	remove := deed{check: KilledDelete, from: create.to, to: create.from}
	if err := w.rehearse(ctx, &remove); err != nil {
		w.judge(KilledDelete, s.typ.Name, "", err)
		return nil
	}
	if _, err := w.apply(ctx, s.full()); err != nil {
		w.judge(KilledDelete, s.typ.Name, "", fmt.Errorf("there is nothing to delete: %w", err))
		return nil
	}
	_, err := w.killAt(ctx, s, &remove)
	return err
}

// killChanges kills the plugin at an update and at a replacement. clean tells
// whether the object is as before.
func (w *world) killChanges(ctx context.Context, s *scene) (clean bool, err error) {
	update, replace, err := w.edits(ctx, s)
	if err != nil {
		return false, err
	}
	for _, d := range []*deed{update, replace} {
		if d.to == "" {
			w.judge(d.check, s.typ.Name, "", skipf("no attribute of that kind can be tried"))
			continue
		}
		if err := w.rehearse(ctx, d); err != nil {
			w.judge(d.check, s.typ.Name, "", skipf("the change is refused: %v", err))
			return false, nil
		}
		if err := w.back(ctx, d); err != nil {
			w.judge(d.check, s.typ.Name, "", fmt.Errorf("the change cannot be taken back, even without a kill: %w", err))
			return false, nil
		}
		if clean, err := w.killAt(ctx, s, d); err != nil || !clean {
			return false, err
		}
	}
	return true, nil
}

// rehearse does a deed undisturbed, to learn its calls and what comes of it.
func (w *world) rehearse(ctx context.Context, d *deed) (err error) {
	if d.old, err = w.inventory(ctx); err != nil {
		return err
	}
	w.arm(strike{})
	settled, err := w.apply(ctx, d.to)
	d.calls, _ = w.disarm()
	if err := errors.Join(err, settled); err != nil {
		return err
	}
	d.new, err = w.inventory(ctx)
	return err
}

// edits finds an update and a replacement that the plan accepts.
func (w *world) edits(ctx context.Context, s *scene) (update, replace *deed, err error) {
	update, replace = &deed{check: KilledUpdate, from: s.full()}, &deed{check: KilledReplace, from: s.full()}
	list, err := w.choices(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	for _, c := range list {
		d := update
		if c.attr.Replace {
			d = replace
		}
		// What needs another object beside it would be counted with it.
		if d.to != "" || len(c.list) == 0 || len(c.list[0].beside) > 0 || c.attr.ReplaceWhen != "" {
			continue
		}
		text := s.changed(c.attr.Name, c.list[0])
		action, replaced, err := w.says(ctx, s, text)
		if err == nil && (d == update && action == plan.Update || d == replace && replaced) {
			d.to = text
		}
	}
	return update, replace, nil
}

// says is what the plan would do to the object under test.
func (w *world) says(ctx context.Context, s *scene, text string) (action plan.Action, replaced bool, err error) {
	r, err := w.open(ctx, text)
	if err != nil {
		return "", false, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	p, err := r.look(ctx)
	if err != nil {
		return "", false, err
	}
	action, replaced = step(p, s.address())
	return action, replaced, nil
}

// killAt does the deed again and again, killing the plugin at another call each
// time: before the cloud acts, and before its answer is heard. The stack
// starts and ends at the deed's beginning; clean tells whether it does.
func (w *world) killAt(ctx context.Context, s *scene, d *deed) (clean bool, err error) {
	if len(d.calls) == 0 {
		w.judge(d.check, s.typ.Name, "", skipf("no call is made"))
		return true, nil
	}
	for at := 1; at <= len(d.calls); at++ {
		if at > fewKills && at < len(d.calls) && !w.options.Thorough {
			continue
		}
		for _, after := range []bool{false, true} {
			w.arm(strike{at: at, after: after})
			_, first := w.apply(ctx, d.to)
			_, struck := w.disarm()
			moment := map[bool]string{false: "before", true: "after"}[after]
			about := fmt.Sprintf("%s %d of %d, %s", moment, at, len(d.calls), d.calls[at-1])
			if !struck {
				w.judge(d.check, s.typ.Name, about, skipf("the call did not come again; the apply said: %v", first))
			} else {
				w.judge(d.check, s.typ.Name, about, w.recovered(ctx, d.to, d.new))
			}
			if err := w.back(ctx, d); err != nil {
				w.judge(d.check, s.typ.Name, about, fmt.Errorf("what was made cannot be taken back: %w", err))
				return false, nil
			}
		}
	}
	return true, nil
}

// back brings the stack to the beginning of a deed.
func (w *world) back(ctx context.Context, d *deed) error {
	settled, err := w.apply(ctx, d.from)
	if err := errors.Join(err, settled); err != nil {
		return err
	}
	have, err := w.inventory(ctx)
	if err != nil {
		return err
	}
	return differ(d.old, have)
}
