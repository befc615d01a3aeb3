// Package configs holds what comes with the program beside it: the annotated reference configurations, examples and
// the templates of devices.
//
// It knows no other package. cmd hands Templates to the loader; tests load every file here.
package configs

import (
	"embed"
	"io/fs"
)

//go:embed templates/*.yaml
var files embed.FS

// Templates are the device templates that are built in, each as NAME.yaml.
var Templates = templates()

func templates() fs.FS {
	dir, err := fs.Sub(files, "templates")
	if err != nil {
		panic("BUG: the embedded templates have no folder: " + err.Error())
	}
	return dir
}
