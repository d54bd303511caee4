package conformance

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// atATime is how many random configurations stand in one stack.
const atATime = 10

// random makes up configurations that the schema allows, and applies them.
func random(ctx context.Context, w *world, s *scene) error {
	if w.options.Random < 1 {
		w.judge(RandomApplies, s.typ.Name, "", skipf("none were asked for"))
		return nil
	}
	return w.configurations(ctx, s, trial{RandomApplies, RandomSettles, RandomGone})
}

// randomAsUser does the same as an ordinary user. Why there is nothing to try
// was said of the plain example.
func randomAsUser(ctx context.Context, w *world, s *scene) error {
	known := w.hints.Types[s.typ.Name].Checks
	if w.options.Random < 1 || w.notForUsers(s) != nil || known[AsUser.Name] != "" || known[RandomApplies.Name] != "" {
		return nil
	}
	w.account = "user"
	return w.configurations(ctx, s, trial{RandomAsUser, RandomAsUser, RandomAsUser})
}

// trial are the checks of random configurations.
type trial struct{ applies, settles, gone Check }

// configurations tries as many as were asked for, some at a time.
func (w *world) configurations(ctx context.Context, s *scene, t trial) error {
	w.inside = true
	before, err := w.inventory(ctx)
	if err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(w.options.Seed, hash(s.typ.Name))) //nolint:gosec // configurations to try
	for done := 0; done < w.options.Random; done += atATime {
		var texts [][]string
		for i := range min(atATime, w.options.Random-done) {
			texts = append(texts, s.random(w, rng, fmt.Sprintf("_r%d", done+i)))
		}
		about := fmt.Sprintf("%d to %d", done+1, done+len(texts))
		if !w.tryRandom(ctx, s, t, about, texts) {
			return nil
		}
		_, err := w.apply(ctx, "")
		if err == nil {
			var after []string
			if after, err = w.inventory(ctx); err == nil {
				err = differ(before, after)
			}
		}
		if !w.judge(t.gone, s.typ.Name, about, err) {
			return nil
		}
	}
	return nil
}

func hash(text string) uint64 {
	h := uint64(14695981039346656037)
	for _, b := range []byte(text) {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return h
}

// random is one configuration with what it rests on.
func (s *scene) random(w *world, rng *rand.Rand, suffix string) []string {
	texts := s.clone(suffix, true)
	hints := w.hints.Types[s.typ.Name]
	texts[0] = edit(texts[0], func(b *hclwrite.Body) {
		for _, a := range s.typ.Attributes {
			if _, refers := s.refers(written(s.text, a.Name)); refers {
				continue
			}
			if expression := w.choose(a, a.Name, hints, rng); expression != "" && free(b, a, s.typ.Attributes) {
				b.SetAttributeRaw(a.Name, tokens(expression))
			}
		}
		for _, block := range s.typ.Blocks {
			w.blocksAtRandom(b, block, hints, rng)
		}
	})
	return texts
}

// choose makes up a value, or leaves the attribute as it is. The path is what
// hints call it by: rule.cidrs within a block.
func (w *world) choose(a *pluginspec.Attribute, path string, hints typeHints, rng *rand.Rand) string {
	roll := rng.IntN(2) // drawn for each attribute, so that a seed means the same when others change
	_, skip := hints.Skip[path]
	switch {
	case roll == 0 && !a.Required || skip || a.Name == "name" || (a.Computed && !a.Optional) || a.Volatile || a.Deprecated != "" || len(a.Together) > 0:
		return ""
	case len(hints.Values[path]) > 0: // they may be good for one object only
		return ""
	case a.Lookup != "" || refersToObject(a):
		return ""
	case w.account != "admin" && a.Role != "" && a.Role != "user":
		return ""
	}
	if text, ok := invent(a, rng); ok {
		return text
	}
	return ""
}

// mostBlocks is how many items a block of children gets at most.
const mostBlocks = 3

// blocksAtRandom puts made-up children in the place of those of the example,
// where all that they need can be made up.
func (w *world) blocksAtRandom(body *hclwrite.Body, b *pluginspec.Block, hints typeHints, rng *rand.Rand) {
	if _, skip := hints.Skip[b.Name]; skip || b.Child == nil || b.Nesting == pluginspec.Single || b.Nesting == pluginspec.Map || rng.IntN(2) == 0 {
		return
	}
	items := map[string]*hclwrite.Block{}
	for range rng.IntN(mostBlocks + 1) {
		item, key := hclwrite.NewBlock(b.Name, nil), ""
		for _, a := range b.Attributes {
			path := b.Name + "." + a.Name
			expression := w.choose(a, path, hints, rng)
			if list := hints.Values[path]; len(list) > 0 && (a.Required || rng.IntN(2) == 0) {
				expression = list[rng.IntN(len(list))]
			}
			if a.Format == "port_range" && expression == "" {
				// A rule for all ports stands in the way of every other.
				expression, _ = invent(a, rng)
			}
			if a.Required && expression == "" {
				return
			}
			if expression == "" || !free(item.Body(), a, b.Attributes) {
				continue
			}
			item.Body().SetAttributeRaw(a.Name, tokens(expression))
			if slices.Contains(b.Child.Key, a.Name) {
				key += a.Name + "=" + expression + ";"
			}
		}
		items[key] = item
	}
	if len(items) < b.Min {
		return
	}
	drop(body, b.Name, 0)
	for _, key := range slices.Sorted(maps.Keys(items)) {
		body.AppendBlock(items[key])
	}
}

// free tells whether nothing stands in a configuration that an attribute may
// not stand beside.
func free(b *hclwrite.Body, a *pluginspec.Attribute, siblings []*pluginspec.Attribute) bool {
	for _, other := range siblings {
		rivals := slices.Concat(a.Conflicts, a.ExactlyOne)
		if other.Name != a.Name && b.GetAttribute(other.Name) != nil &&
			(slices.Contains(rivals, other.Name) || slices.Contains(other.Conflicts, a.Name) || slices.Contains(other.ExactlyOne, a.Name)) {
			return false
		}
	}
	return true
}

// tryRandom applies several configurations at once, without those that the
// plan refuses.
func (w *world) tryRandom(ctx context.Context, s *scene, t trial, about string, texts [][]string) bool {
	for len(texts) > 0 {
		stack := strings.Join(slices.Concat(texts...), "\n")
		settled, err := w.applyPlanned(ctx, stack)
		var refused planRefused
		if errors.As(err, &refused) {
			if texts, err = without(texts, string(refused)); err == nil {
				continue
			}
		}
		if err != nil {
			err = few(err.Error(), texts)
		}
		if !w.judge(t.applies, s.typ.Name, about, err) {
			return false
		}
		if settled != nil {
			settled = fmt.Errorf("%w\n%s", settled, concerned(texts, settled.Error()))
		}
		return w.judge(t.settles, s.typ.Name, about, settled)
	}
	w.judge(t.applies, s.typ.Name, about, skipf("the plan refused all of them"))
	return true
}

// mostSaid is how many errors of a stack of random configurations are told:
// what is wrong with one is, as a rule, wrong with others.
const mostSaid = 2

var beginning = regexp.MustCompile(`(?m)^Error: `)

// few is what was said against configurations, as far as it helps: the first
// errors, and the configurations that these name.
func few(message string, texts [][]string) error {
	if starts := beginning.FindAllStringIndex(message, -1); len(starts) > mostSaid {
		more := len(starts) - mostSaid
		message = strings.TrimRight(message[:starts[mostSaid][0]], "\n") + fmt.Sprintf("\n\nand %d more errors.", more)
	}
	named := texts
	if left, err := without(texts, message); err == nil {
		named = slices.DeleteFunc(slices.Clone(texts), func(config []string) bool {
			return slices.ContainsFunc(left, func(other []string) bool { return &other[0] == &config[0] })
		})
	}
	return fmt.Errorf("%s\n\n%s", message, strings.Join(slices.Concat(named...), "\n"))
}

// concerned are the configurations that a plan is about: all if it names none.
func concerned(texts [][]string, message string) string {
	about := slices.DeleteFunc(slices.Clone(texts), func(config []string) bool {
		m := suffixed.FindStringSubmatch(config[0])
		return m == nil || !regexp.MustCompile(regexp.QuoteMeta(m[1])+`\b`).MatchString(message)
	})
	if len(about) == 0 {
		about = texts
	}
	return strings.Join(slices.Concat(about...), "\n")
}

// planRefused is what a plan said against a stack.
type planRefused string

func (e planRefused) Error() string { return "the plan refuses it: " + string(e) }

// applyPlanned is apply, which tells whether it was the plan that refused.
func (w *world) applyPlanned(ctx context.Context, text string) (settled, err error) {
	r, err := w.open(ctx, text)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	p, err := r.look(ctx)
	if err != nil {
		return nil, planRefused(err.Error())
	}
	if err := r.carry(ctx, p); err != nil {
		return nil, err
	}
	if p, err = r.look(ctx); err != nil {
		return nil, fmt.Errorf("plan after the apply: %w", err)
	}
	return empty(p), nil
}

var suffixed = regexp.MustCompile(`resource "[a-z0-9_]+" "[A-Za-z0-9_-]+(_r\d+)"`)

// without leaves out the configurations that a message names.
func without(texts [][]string, message string) ([][]string, error) {
	named := map[string]bool{}
	for _, m := range suffixed.FindAllStringSubmatch(message, -1) {
		named[m[1]] = true
	}
	left := slices.DeleteFunc(slices.Clone(texts), func(config []string) bool {
		m := suffixed.FindStringSubmatch(config[0])
		return m != nil && named[m[1]]
	})
	if len(left) == len(texts) {
		return texts, errors.New("the plan fails, and names no configuration: " + message)
	}
	return left, nil
}
