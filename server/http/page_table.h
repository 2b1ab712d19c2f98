/* server/http/page_table.h: the files of the page; included again and again, each time with
 * another meaning of its macro.
 *
 *   PAGE_FILE(symbol, path, type, use)
 *
 * The symbol is the name of a file in server/http/page/ with '_' for every other byte than
 * letters and digits. The Makefile compresses all of that folder into the program: a row
 * without a file does not link, and a file without a row fails tests/server/http/test_page.c.
 */

/* clang-format off */

PAGE_FILE(index_html, "/", "text/html; charset=utf-8", HTTP_USE_PAGE)
PAGE_FILE(style_css, "/page/style.css", "text/css; charset=utf-8", HTTP_USE_READING)

/* clang-format on */

#undef PAGE_FILE
