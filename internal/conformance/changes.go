package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/moldctl/moldctl/core/plan"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// changes changes one attribute after the other, each from the same start.
func changes(ctx context.Context, w *world, s *scene) error {
	if _, err := w.apply(ctx, s.full()); err != nil {
		w.judge(ChangeAsDeclared, s.typ.Name, "", fmt.Errorf("there is nothing to change: %w", err))
		return nil
	}
	list, err := w.choices(ctx, s)
	if err != nil {
		return err
	}
	for _, c := range list {
		if err = w.change(ctx, s, c); err != nil {
			break
		}
	}
	if err == nil {
		err = w.blocks(ctx, s)
	}
	if err != nil && !errors.Is(err, errStuck) {
		return err
	}
	if err := w.leaked(); err != nil {
		w.judge(SecretsUnlogged, s.typ.Name, "while it is changed", err)
	}
	return nil
}

// choice is an attribute and what to try for it; or why nothing can be tried.
type choice struct {
	attr *pluginspec.Attribute
	list []candidate
	why  error
}

// choices finds values for every attribute that users may change.
func (w *world) choices(ctx context.Context, s *scene) (out []choice, err error) {
	r, err := w.open(ctx, s.full())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	_, value, err := r.object(ctx, s.address())
	if err != nil {
		return nil, err
	}
	w.keep(s.typ, value)
	for _, a := range s.typ.Attributes {
		if (a.Computed && !a.Optional) || a.Volatile || a.Deprecated != "" {
			continue
		}
		c := choice{attr: a}
		c.list, c.why = r.candidates(ctx, s, a, value.GetAttr(a.Name))
		out = append(out, c)
	}
	return out, nil
}

// change tries values for one attribute until one is accepted by the plan, and
// judges what comes of it.
func (w *world) change(ctx context.Context, s *scene, c choice) error {
	for _, value := range c.list {
		if err := w.setAside(); err != nil {
			return err
		}
		accepted, done, err := w.tryChange(ctx, s, c.attr, s.changed(c.attr.Name, value))
		if err != nil {
			return err
		}
		if accepted != nil {
			c.why = skipf("no value was accepted, at last: %v", accepted)
			continue
		}
		if done && s.drifts(c.attr, value) {
			if done, err = w.drifted(ctx, s, c.attr); err != nil {
				return err
			}
		}
		if done {
			settled, err := w.apply(ctx, s.full())
			done = w.judge(ChangeReverts, s.typ.Name, c.attr.Name, errors.Join(err, settled))
		}
		if !done {
			return w.anew(ctx, s)
		}
		return nil
	}
	w.judge(ChangeAsDeclared, s.typ.Name, c.attr.Name, c.why)
	return nil
}

// drifts tells whether a change of an attribute is one that could be made
// outside and must be seen: the object stays, and the attribute can be read. Of
// an attribute that the stack does not speak of no plan says anything.
func (s *scene) drifts(a *pluginspec.Attribute, value candidate) bool {
	if written(s.text, a.Name) == "" && a.Default == nil {
		return false
	}
	return !a.Replace && a.ReplaceWhen == "" && a.Field != "-" && !a.WriteOnly && len(value.beside) == 0
}

// drifted puts back the state from before a change, so that the change was made
// behind its back, and looks whether the plan sees it.
func (w *world) drifted(ctx context.Context, s *scene, a *pluginspec.Attribute) (seen bool, err error) {
	if err := w.putBack(); err != nil {
		return false, err
	}
	action, _, err := w.says(ctx, s, s.full())
	if err == nil && action == plan.NoOp {
		err = errors.New("the plan has nothing to do, though the attribute is not as it was")
	}
	return w.judge(DriftNoticed, s.typ.Name, a.Name, err), nil
}

// changed is the stack with one attribute set.
func (s *scene) changed(name string, c candidate) string {
	text := edit(s.text, func(b *hclwrite.Body) {
		set(name, c.expression)(b)
		for _, a := range s.typ.Attributes { // what may not stand beside it goes
			if a.Name == name {
				for _, rival := range slices.Concat(a.Conflicts, a.ExactlyOne) {
					b.RemoveAttribute(rival)
				}
			}
		}
	})
	return s.base(append(slices.Clone(c.beside), text)...)
}

// errStuck ends the changes of an object that cannot be brought back: what is
// wrong was said.
var errStuck = errors.New("the object cannot be brought back to how it was")

// anew brings the object back to how it was when it started.
func (w *world) anew(ctx context.Context, s *scene) error {
	for _, text := range []string{s.base(), s.full()} {
		if _, err := w.apply(ctx, text); err != nil {
			return errors.Join(errStuck, err)
		}
	}
	return nil
}

// tryChange plans one change and carries it out. refused says why the plan
// does not accept the value; done, that the object is as was asked.
func (w *world) tryChange(ctx context.Context, s *scene, a *pluginspec.Attribute, text string) (refused error, done bool, err error) {
	r, err := w.open(ctx, text)
	if err != nil {
		return err, false, nil
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	before, _, err := r.object(ctx, s.address())
	if err != nil {
		return nil, false, err
	}
	p, refused := r.look(ctx)
	if refused != nil {
		return refused, false, nil
	}
	action, replaced := step(p, s.address())
	var wrong error
	switch {
	case a.ReplaceWhen != "" && action != plan.NoOp:
	case a.Replace && !replaced:
		wrong = fmt.Errorf("it is declared as replace, and the plan says %s", action)
	case !a.Replace && (replaced || action != plan.Update):
		wrong = fmt.Errorf("it is declared to be changed in place, and the plan says %s (replaced: %t)", action, replaced)
	}
	if wrong == nil {
		if wrong = r.carry(ctx, p); wrong != nil {
			wrong = fmt.Errorf("%w\n%s", wrong, text)
		}
	}
	if !w.judge(ChangeAsDeclared, s.typ.Name, a.Name, wrong) {
		return nil, false, nil
	}
	p, wrong = r.look(ctx)
	if wrong == nil {
		wrong = empty(p)
	}
	if !w.judge(ChangeSettles, s.typ.Name, a.Name, wrong) {
		return nil, false, nil
	}
	row, _, wrong := r.object(ctx, s.address())
	if wrong == nil && !slices.Contains(a.Affects, "id") && s.ownID() && (row.ID == before.ID) == replaced {
		wrong = fmt.Errorf("the id was %s and is %s; replaced: %t", before.ID, row.ID, replaced)
	}
	return nil, w.judge(ChangeKeepsID, s.typ.Name, a.Name, wrong), nil
}

// ownID tells whether the objects have an id of their own, and not that of
// what they are about.
func (s *scene) ownID() bool {
	a := s.typ.Attr("id")
	return a == nil || a.Field == ""
}

// blocks takes the blocks of the example away and puts them back.
func (w *world) blocks(ctx context.Context, s *scene) error {
	for _, b := range s.typ.Blocks {
		if b.Min > 0 {
			w.judge(BlockChanges, s.typ.Name, b.Name, skipf("the block is required"))
			continue
		}
		there := 0
		edit(s.text, func(body *hclwrite.Body) {
			for _, block := range body.Blocks() {
				if block.Type() == b.Name {
					there++
				}
			}
		})
		if there == 0 {
			w.judge(BlockChanges, s.typ.Name, b.Name, skipf("the example has no such block"))
			continue
		}
		for left := there - 1; left >= 0; left-- {
			text := s.edited(func(body *hclwrite.Body) { drop(body, b.Name, left) })
			for _, stack := range []string{text, s.full()} {
				settled, err := w.apply(ctx, stack)
				if !w.judge(BlockChanges, s.typ.Name, fmt.Sprintf("%s, %d of %d", b.Name, left, there), errors.Join(err, settled)) {
					return w.anew(ctx, s)
				}
			}
		}
	}
	return nil
}

// drop leaves only the first so many blocks of a type.
func drop(body *hclwrite.Body, name string, left int) {
	for _, block := range body.Blocks() {
		if block.Type() != name {
			continue
		}
		if left--; left < 0 {
			body.RemoveBlock(block)
		}
	}
}
