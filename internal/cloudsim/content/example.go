package content

import (
	"embed"
	"fmt"
)

//go:embed examples
var examples embed.FS

// Example is the text of a content file that comes along: "simulator".
func Example(name string) ([]byte, error) {
	text, err := examples.ReadFile("examples/" + name + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("read an example of start content: %w", err)
	}
	return text, nil
}
