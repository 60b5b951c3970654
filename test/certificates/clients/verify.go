// BUNDLE PORT NAME: whether Go takes the server on loopback for NAME.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

func main() {
	bundle, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(bundle) {
		panic("no certificate in the bundle")
	}
	config := &tls.Config{RootCAs: roots, ServerName: os.Args[3]}
	if _, err := tls.Dial("tcp", "127.0.0.1:"+os.Args[2], config); err != nil {
		fmt.Println("refused:", err)
		return
	}
	fmt.Println("trusted")
}
