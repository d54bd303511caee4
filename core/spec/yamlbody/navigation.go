package yamlbody

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// navigation names the block around a place, for diagnostics.
type navigation struct{ root *body }

// ContextString returns for example `resource "network" "web"`.
func (n navigation) ContextString(offset int) string {
	t, node := n.root.text, n.root.node
	var path []string
	for len(path) < 3 && node.Kind == yaml.MappingNode {
		var inside *item
		for _, it := range itemsOf(node) {
			if t.offset(it.key.Line, it.key.Column) > offset {
				break
			}
			inside = &it
		}
		if inside == nil || offset > t.end(inside.value) {
			break
		}
		path = append(path, inside.name())
		if len(path) == labelled(path[0])+1 {
			break
		}
		node = follow(inside.value)
	}
	if len(path) == 0 {
		return ""
	}
	for i := 1; i < len(path); i++ {
		path[i] = strconv.Quote(path[i])
	}
	return strings.Join(path, " ")
}

// labelled is how many labels blocks of a type have.
func labelled(blockType string) int {
	switch blockType {
	case "resource", "data":
		return 2
	case "locals", "moved", "import", "removed", "cloud":
		return 0
	}
	return 1
}
