// The admin's search boxes get the names that Select2 and Django leave out. Everything works without this.

const $ = window.django?.jQuery;
const autocompletes = (scope) => scope.querySelectorAll("select.admin-autocomplete");
const nameOf = (select) => select.labels[0]?.textContent.trim() ?? "";

function nameBoxes(scope) {
  for (const select of autocompletes(scope)) {
    const box = select.parentElement.querySelector(".select2-container");
    for (const part of box?.querySelectorAll("[role=combobox], [role=textbox], [role=searchbox]") ?? []) {
      part.removeAttribute("aria-labelledby");
      const value = part.role === "combobox" && !select.multiple ? select.selectedOptions[0]?.textContent.trim() : "";
      part.setAttribute("aria-label", value ? `${nameOf(select)} ${value}` : nameOf(select));
    }
    // Select2 puts its search field and its "clear" sign among the items of this list.
    box?.querySelector("ul.select2-selection__rendered")?.setAttribute("role", "presentation");
  }
}

const search = document.querySelector("#searchbar");
search?.setAttribute("aria-label", search.labels[0]?.querySelector("img")?.alt ?? "");

if ($) {
  // Before Select2 starts: its list of results opens inside the main part of the page.
  for (const select of autocompletes(document)) select.dataset.dropdownParent = "#content-start";
  $(() => nameBoxes(document));
  $(document).on("select2:open", ({ target }) => {
    const open = ".select2-container--open";
    const list = document.querySelector(`${open} .select2-results__options`);
    list?.setAttribute("aria-label", nameOf(target));
    document.querySelector(`${open} [role=combobox]`)?.setAttribute("aria-controls", list?.id ?? "");
    document.querySelector(`${open} [role=searchbox]`)?.setAttribute("aria-label", nameOf(target));
  });
  $(document).on("change", "select.admin-autocomplete", ({ target }) => nameBoxes(target.parentElement));
  document.addEventListener("formset:added", ({ target }) => nameBoxes(target));
}
