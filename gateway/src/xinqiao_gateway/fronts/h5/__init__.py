"""The h5 front: pages that partners open for their customers and managers, in a browser, an iframe or a WebView."""
