// URL: asks by Go's own client, which trusts what its variables and the system say.
package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	if _, err := http.Get(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
