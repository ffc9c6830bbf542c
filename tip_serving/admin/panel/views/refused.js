// In place of a page that there is not, or not for this person.

export default {
  props: { title: String, detail: String },
  template: `<div class="empty" style="margin-top: 2rem"><h1>{{ title }}</h1><p>{{ detail }}</p><a class="button" href="/">To the start</a></div>`,
};
