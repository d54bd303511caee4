package reference_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/moldctl/moldctl/internal/reference"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

const toys = `
plugin: toys
version: 1.0.0
protocol: 1
summary: Toys.
transport: cloudstack
needs: [cloud]
types:
  ball:
    summary: A ball.
    doc: It rolls.
    example: ball.hcl
    attributes:
      name: {type: string, required: true, replace: true, doc: The name.}
      color: {type: string, default: red, values: [red, "a|b"], doc: The color.}
      secret: {type: string, computed: true, sensitive: true, doc: What is inside.}
      owner: {type: string, role: admin, doc: Whose it is.}
    blocks:
      dot:
        nesting: set
        doc: A dot.
        attributes:
          size: {type: number, default: 1, doc: Its size.}
        children:
          key: [size]
          list: {call: listDots, params: {ballid: "${self.id}"}, result: dot}
          create: {call: createDot, params: {ballid: "${self.id}"}, result: dot}
          delete: deleteDot
    create: {call: createBall, result: ball}
    read: {call: listBalls, result: ball}
    update: {call: updateBall}
    delete: {call: deleteBall}
    identity: {natural: [name]}
    find: {call: listBalls, by: [color], result: ball}
`

const page = "# Plugin toys\n" + `
Toys.

Resources:

- [|ball|](#resource-ball) — A ball.

Data sources:

- [|ball|](#data-ball) — A ball.

## resource ball

A ball.

It rolls.

|||hcl
resource "ball" "b" {}
|||

| attribute | type | | |
|---|---|---|---|
| |id| | string | filled in | The id of the object in the cloud. |
| |name| | string | **required**, a change replaces | The name. |
| |color| | string |  | The color. One of |red|, |a\|b|. Default: |red|. |
| |secret| | string | filled in | What is inside. Never shown. |
| |owner| | string | for admins | Whose it is. |

### block dot

A dot. May stand several times.

| attribute | type | | |
|---|---|---|---|
| |size| | number |  | Its size. Default: |1|. |

Calls: create |createBall|; read |listBalls|; update |updateBall|; delete |deleteBall|; each dot |listDots|, |createDot|, |deleteDot|.

Import: by |id| or |name|.

## data ball

A ball.

| attribute | type | | |
|---|---|---|---|
| |id| | string | may be given | The id of the object in the cloud. |
| |name| | string | may be given | The name. |
| |color| | string | may be given | The color. One of |red|, |a\|b|. Default: |red|. |
| |secret| | string | found | What is inside. Never shown. |
| |owner| | string | found | Whose it is. |
`

func parse(t *testing.T, name string, src []byte) *pluginspec.Plugin {
	t.Helper()
	p, diags := pluginspec.Parse(name, src)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return p
}

func TestMarkdown(t *testing.T) {
	t.Parallel()
	p := parse(t, "toys.yaml", []byte(toys))
	got, err := reference.Markdown(p, func(string) (string, error) { return "resource \"ball\" \"b\" {}\n", nil })
	if err != nil {
		t.Fatal(err)
	}
	// Backquotes are written as bars above, and bars of tables look alike.
	want := page
	if diff := cmp.Diff(strings.ReplaceAll(want, "`", "|"), strings.ReplaceAll(got, "`", "|")); diff != "" {
		t.Errorf("page (-want +got):\n%s", diff)
	}
	missing := errors.New("no such example")
	if _, err := reference.Markdown(p, func(string) (string, error) { return "", missing }); !errors.Is(err, missing) {
		t.Errorf("error %v, want %v", err, missing)
	}
}

// TestPagesAreCurrent fails when a plugin.yaml changed and its page did not.
func TestPagesAreCurrent(t *testing.T) {
	t.Parallel()
	specs, err := filepath.Glob("../../plugins/*/plugin.yaml")
	if err != nil || len(specs) == 0 {
		t.Fatalf("no plugins found: %v", err)
	}
	for _, path := range specs {
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		p := parse(t, path, src)
		want, err := reference.Markdown(p, func(example string) (string, error) {
			b, err := os.ReadFile(filepath.Join(filepath.Dir(path), example))
			return string(b), err
		})
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		page := filepath.Join("../../docs/reference", p.Name+".md")
		got, err := os.ReadFile(page)
		if err != nil || string(got) != want {
			t.Errorf("%s is not current: run go generate ./internal/reference", page)
		}
	}
}
