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
      owner: {type: string, role: admin, default: "${self.name}", doc: Whose it is.}
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
    update: [{call: updateBall, on: [color]}, {call: giveBall, on: [owner]}]
    delete: {call: deleteBall}
    identity: {natural: [name]}
    find: {call: listBalls, by: [color], result: ball}
    requires: [{that: "${self.name != null}", say: Balls are round.}]
`

const index = "# Plugin toys\n" + `
Toys.

Resources:

- [|ball|](ball.md) — A ball.

Data sources:

- [|ball|](ball.md) — A ball.
`

const page = "# ball\n" + `
A ball.

It rolls.

A resource and data source of the plugin [toys](README.md) 1.0.0.

## resource ball

|||hcl
resource "ball" "b" {}
|||

| attribute | type | | |
|---|---|---|---|
| |id| | string | filled in | The id of the object in the cloud. |
| |name| | string | **required**, a change replaces | The name. |
| |color| | string |  | The color. One of |red|, |a\|b|. Default: |red|. |
| |secret| | string | filled in | What is inside. Never shown. |
| |owner| | string | for admins | Whose it is. Default: |${self.name}|. |

### block dot

A dot. May stand several times.

| attribute | type | | |
|---|---|---|---|
| |size| | number |  | Its size. Default: |1|. |

### checked while planning

- Balls are round.

### calls

| verb | calls |
|---|---|
| create | |createBall| |
| read | |listBalls| |
| update | |updateBall| for |color| |
| update | |giveBall| for |owner| |
| delete | |deleteBall| |
| each dot | |listDots|, |createDot|, |deleteDot| |

### import

By |id| or |name|:

|||hcl
import {
  to = ball.example
  id = "…"
}
|||

## data ball

Found with |listBalls|.

| attribute | type | | |
|---|---|---|---|
| |id| | string | may be given | The id of the object in the cloud. |
| |name| | string | may be given | The name. |
| |color| | string | may be given | The color. One of |red|, |a\|b|. |
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

func TestPages(t *testing.T) {
	t.Parallel()
	p := parse(t, "toys.yaml", []byte(toys))
	example := func(string) (string, error) { return "resource \"ball\" \"b\" {}\n", nil }
	got, err := reference.Pages(p, example)
	if err != nil {
		t.Fatal(err)
	}
	// Backquotes are written as bars above, and bars of tables look alike.
	for name, text := range got {
		got[name] = strings.ReplaceAll(text, "`", "|")
	}
	if diff := cmp.Diff(map[string]string{"README.md": index, "ball.md": page}, got); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	whole, err := reference.Whole(p, example)
	if diff := cmp.Diff(index+"\n"+page, strings.ReplaceAll(whole, "`", "|")); err != nil || diff != "" {
		t.Errorf("error %v, all as one text (-want +got):\n%s", err, diff)
	}
	missing := errors.New("no such example")
	if _, err := reference.Pages(p, func(string) (string, error) { return "", missing }); !errors.Is(err, missing) {
		t.Errorf("error %v, want %v", err, missing)
	}
}

// TestPagesAreCurrent fails when a plugin.yaml changed and its pages did not.
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
		want, err := reference.Pages(p, func(example string) (string, error) {
			b, err := os.ReadFile(filepath.Join(filepath.Dir(path), example))
			return string(b), err
		})
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		folder := filepath.Join("../../docs/reference", p.Name)
		files, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, f := range files {
			text, err := os.ReadFile(filepath.Join(folder, f.Name()))
			if err != nil {
				t.Fatal(err)
			}
			got[f.Name()] = string(text)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s is not current: run go generate ./internal/reference (-want +got):\n%s", folder, diff)
		}
	}
}
